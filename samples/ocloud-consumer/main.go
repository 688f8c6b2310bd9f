/*
Copyright 2026 The eventing-ptp Authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// A consumer of the O-Cloud notification API: it subscribes to everything that the node's
// adapter has, and prints it until it is stopped.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// event is what of a notification this consumer looks at.
type event struct {
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
	Data   struct {
		Values []struct {
			ResourceAddress string `json:"ResourceAddress"`
			Value           string `json:"value"`
		} `json:"values"`
	} `json:"data"`
}

func main() {
	api := flag.String("api", "http://localhost:9043/ocloudNotifications/v2", "`URL` of the node's API")
	listen := flag.String("listen", ":9085", "`address` to listen on")
	endpoint := flag.String("endpoint", "http://localhost:9085/event", "`URL` at which the API reaches that address")
	resource := flag.String("resource", "/././sync", "`address` of what to be told of")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *api, *listen, *endpoint, *resource)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ocloud-consumer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, api, listen, endpoint, resource string) error {
	// Listen first: the API tells what holds before it answers the subscription.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(notify), ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	location, err := subscribe(ctx, api, endpoint, resource)
	if err != nil {
		return err
	}
	fmt.Println("subscribed", location)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return unsubscribe(location)
	}
}

// notify prints a notification. Any 2xx takes it; with another status it would come again.
func notify(w http.ResponseWriter, r *http.Request) {
	var e event
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&e); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, v := range e.Data.Values {
		fmt.Println(e.Time.Format(time.RFC3339Nano), e.Source, v.ResourceAddress, v.Value)
	}
	w.WriteHeader(http.StatusNoContent)
}

// subscribe returns where the subscription is: a new one, or the one that is left of the
// last time.
func subscribe(ctx context.Context, api, endpoint, resource string) (location string, err error) {
	body, err := json.Marshal(map[string]string{"EndpointUri": endpoint, "ResourceAddress": resource})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/subscriptions", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusConflict {
		var problem struct{ Detail string }
		_ = json.NewDecoder(response.Body).Decode(&problem)
		return "", fmt.Errorf("subscribe: %s: %s", response.Status, problem.Detail)
	}
	return response.Header.Get("Location"), nil
}

func unsubscribe(location string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, location, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return errors.New("unsubscribe: " + response.Status)
	}
	return nil
}
