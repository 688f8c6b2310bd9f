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

// Recorder takes CloudEvents and tells what it has taken. The tests on a cluster run it as
// the application that events are for.
//
// Events are POSTed to any path, an inbox, over HTTP or HTTPS. On a port of its own it
// answers:
//
//	GET /entries?after=N&wait=5s   the requests since number N; waits for one
//	PUT /behaviour                 how an inbox answers from now on
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long requests may take to end when the recorder shall.
const grace = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "recorder:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("recorder", flag.ContinueOnError)
	events := f.String("events", ":8080", "`address` for events")
	secure := f.String("secure", ":8443", "`address` for events over HTTPS")
	certificates := f.String("tls", "", "`directory` with tls.crt and tls.key; without it there is no HTTPS")
	control := f.String("control", ":8090", "`address` for questions")
	if err := f.Parse(args); err != nil {
		return err
	}
	r := newRecorder()
	servers := []*http.Server{
		{Addr: *events, Handler: http.HandlerFunc(r.take)},
		{Addr: *control, Handler: r.control()},
	}
	if *certificates != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(*certificates, "tls.crt"), filepath.Join(*certificates, "tls.key"))
		if err != nil {
			return err
		}
		config := &tls.Config{Certificates: []tls.Certificate{pair}}
		servers = append(servers, &http.Server{Addr: *secure, Handler: http.HandlerFunc(r.take), TLSConfig: config})
	}
	failed := make(chan error, len(servers))
	for _, s := range servers {
		s.ReadHeaderTimeout = time.Minute
		listen := s.ListenAndServe
		if s.TLSConfig != nil {
			listen = func() error { return s.ListenAndServeTLS("", "") }
		}
		go func() { failed <- listen() }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	r.close() // lets those go who wait
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(ctx))
	}
	return err
}
