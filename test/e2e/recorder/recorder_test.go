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

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/test/pki"
)

// post sends an event and returns the status of the answer.
func post(t *testing.T, client *http.Client, url, id string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"a": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Type": "change", "Ce-Source": "/here", "Ce-Ptpstate": "LOCKED",
		"Content-Type": "application/json", "Authorization": "Bearer token",
	} {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func get(t *testing.T, url string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var a answer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatalf("%s: %v", res.Status, err)
	}
	return a
}

// ask returns the status of the answer to a request.
func ask(t *testing.T, method, url, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// serve starts both handlers.
func serve(t *testing.T) (r *recorder, events, control string) {
	t.Helper()
	r = newRecorder()
	e, c := httptest.NewServer(http.HandlerFunc(r.take)), httptest.NewServer(r.control())
	t.Cleanup(e.Close)
	t.Cleanup(c.Close)
	return r, e.URL, c.URL
}

func TestWhatIsTakenIsTold(t *testing.T) {
	_, events, control := serve(t)
	before := time.Now()
	for n, inbox := range []string{"/one", "/two"} {
		if status := post(t, http.DefaultClient, events+inbox, fmt.Sprintf("a-%d", n+1)); status != http.StatusAccepted {
			t.Errorf("answer %d", status)
		}
	}
	got := get(t, control+"/entries?after=0&wait=0s")
	if len(got.Entries) != 2 || got.Instance == "" {
		t.Fatalf("got %+v", got)
	}
	e := got.Entries[0]
	if e.Number != 1 || e.Inbox != "/one" || e.Status != 202 || e.Event.ID() != "a-1" || e.Extension("ptpstate") != "LOCKED" ||
		e.Header.Get("Authorization") != "Bearer token" || string(e.Event.Data()) != `{"a":1}` {
		t.Errorf("got %+v", e)
	}
	if e.Arrived.Before(before.Round(0)) || e.Arrived.After(time.Now()) {
		t.Errorf("arrived %v", e.Arrived)
	}
	if got := get(t, control+"/entries?after=1&wait=0s"); len(got.Entries) != 1 || got.Entries[0].Event.ID() != "a-2" {
		t.Errorf("after the first: %+v", got)
	}
}

func TestAQuestionWaitsForTheNextEvent(t *testing.T) {
	r, events, control := serve(t)
	asked := make(chan answer)
	go func() { asked <- get(t, control+"/entries?after=0&wait=1m") }()
	select {
	case a := <-asked:
		t.Fatalf("it is answered %+v", a)
	case <-time.After(20 * time.Millisecond):
	}
	post(t, http.DefaultClient, events, "a-1")
	if a := <-asked; len(a.Entries) != 1 {
		t.Errorf("got %+v", a)
	}
	go func() { asked <- get(t, control+"/entries?after=1&wait=1m") }()
	r.close()
	if a := <-asked; len(a.Entries) != 0 {
		t.Errorf("got %+v", a)
	}
}

func TestAnInboxBehaves(t *testing.T) {
	_, events, control := serve(t)
	if status := ask(t, http.MethodPut, control+"/behaviour", `{"inbox": "/slow", "status": 503, "delay": 50, "times": 2}`); status != http.StatusOK {
		t.Fatalf("answer %d", status)
	}
	began := time.Now()
	var got []int
	for range 3 {
		got = append(got, post(t, http.DefaultClient, events+"/slow", "a-1"))
	}
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("three answers took %v, two of them should take 50 ms each", took)
	}
	got = append(got, post(t, http.DefaultClient, events+"/other", "a-2"))
	if diff := cmp.Diff([]int{503, 503, 202, 202}, got); diff != "" {
		t.Error(diff)
	}
	entries := get(t, control+"/entries?after=0&wait=0s").Entries
	if len(entries) != 4 || entries[0].Taken() || !entries[2].Taken() {
		t.Errorf("got %+v", entries)
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	_, events, control := serve(t)
	for _, test := range []struct {
		name, method, url, body string
		want                    int
	}{
		{"no event", http.MethodPost, events, "hello", http.StatusBadRequest},
		{"no POST", http.MethodGet, events, "", http.StatusMethodNotAllowed},
		{"a number that is none", http.MethodGet, control + "/entries?after=x&wait=0s", "", http.StatusBadRequest},
		{"no JSON", http.MethodPut, control + "/behaviour", `{`, http.StatusBadRequest},
		{"a status that is none", http.MethodPut, control + "/behaviour", `{"status": 20}`, http.StatusBadRequest},
		{"a delay into the past", http.MethodPut, control + "/behaviour", `{"delay": -1}`, http.StatusBadRequest},
		{"less than none", http.MethodPut, control + "/behaviour", `{"times": -1}`, http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ask(t, test.method, test.url, test.body); got != test.want {
				t.Errorf("answer %d, want %d", got, test.want)
			}
		})
	}
}

func TestRunServesHTTPSToo(t *testing.T) {
	authority, err := pki.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Server("recorder", nil, []net.IP{net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	events, secure, control := freeAddress(t), freeAddress(t), freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- run(ctx, []string{"-events", events, "-secure", secure, "-tls", dir, "-control", control})
	}()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	for _, address := range []string{events, secure, control} {
		awaitListener(t, address)
	}
	if status := post(t, http.DefaultClient, "http://"+events, "a-1"); status != http.StatusAccepted {
		t.Errorf("HTTP: answer %d", status)
	}
	if status := post(t, client, "https://"+secure, "a-2"); status != http.StatusAccepted {
		t.Errorf("HTTPS: answer %d", status)
	}
	if got := get(t, "http://"+control+"/entries?after=0&wait=0s"); len(got.Entries) != 2 {
		t.Errorf("got %+v", got)
	}
	client.CloseIdleConnections()
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"-events", "nowhere", "-control", "127.0.0.1:0"}); err == nil {
		t.Error("an address that is none is no error")
	}
}

// freeAddress returns an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func awaitListener(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
