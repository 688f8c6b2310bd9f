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

package dashboard

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	h := guard("SECRET", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "inside "+r.URL.Path) }))
	for _, tc := range []struct {
		name, method, url, host, origin string
		status                          int
		body                            string
	}{
		{name: "the page", url: "/SECRET/", host: "127.0.0.1:4711", status: 200, body: "inside /"},
		{name: "a file of it", url: "/SECRET/main.js", host: "127.0.0.1:4711", status: 200, body: "inside /main.js"},
		{name: "through a tunnel", url: "/SECRET/", host: "localhost:8080", status: 200, body: "inside /"},
		{name: "by IPv6", url: "/SECRET/", host: "[::1]:8080", status: 200, body: "inside /"},
		{name: "without a port", url: "/SECRET/", host: "localhost", status: 200, body: "inside /"},
		{name: "of itself", method: http.MethodPost, url: "/SECRET/look", host: "127.0.0.1:4711", origin: "http://127.0.0.1:4711", status: 200, body: "inside /look"},
		{name: "without the slash", url: "/SECRET", host: "127.0.0.1:4711", status: 301},
		{name: "nothing", url: "/", host: "127.0.0.1:4711", status: 404},
		{name: "a guess", url: "/SECREU/", host: "127.0.0.1:4711", status: 404},
		{name: "half of it", url: "/SECRE/", host: "127.0.0.1:4711", status: 404},
		{name: "elsewhere in the path", url: "/x/SECRET/", host: "127.0.0.1:4711", status: 404},
		{name: "as a query", url: "/?SECRET", host: "127.0.0.1:4711", status: 404},
		{name: "by another name", url: "/SECRET/", host: "evil.example:4711", status: 421},
		{name: "by a name like it", url: "/SECRET/", host: "localhost.evil.example", status: 421},
		{name: "by another address", url: "/SECRET/", host: "192.0.2.1:4711", status: 421},
		{name: "by no name", url: "/SECRET/", host: "", status: 421},
		{name: "of another page", method: http.MethodPost, url: "/SECRET/look", host: "127.0.0.1:4711", origin: "http://evil.example", status: 403},
		{name: "of another port", method: http.MethodPost, url: "/SECRET/look", host: "127.0.0.1:4711", origin: "http://127.0.0.1:4712", status: 403},
		{name: "of a file", url: "/SECRET/", host: "127.0.0.1:4711", origin: "null", status: 403},
	} {
		if tc.method == "" {
			tc.method = http.MethodGet
		}
		r := httptest.NewRequestWithContext(t.Context(), tc.method, tc.url, nil)
		r.Host = tc.host
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.status || tc.body != "" && w.Body.String() != tc.body || tc.body == "" && strings.Contains(w.Body.String(), "inside") {
			t.Errorf("%s: status %d, %q; want %d, %q", tc.name, w.Code, w.Body, tc.status, tc.body)
		}
		if w.Header().Get("Content-Security-Policy") != policy || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", tc.name, w.Header())
		}
		if tc.status == 404 && !strings.Contains(w.Body.String(), "open the address that the command has printed") {
			t.Errorf("%s: it does not say what to do: %q", tc.name, w.Body)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("/SECRE", "localhost")
	f.Add("/%53ECRET/", "127.0.0.1")
	f.Fuzz(func(t *testing.T, path, host string) {
		h := guard("SECRET", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if !strings.HasPrefix(path, "/SECRET/") && !strings.HasPrefix(path, "SECRET/") || !local(host) {
				t.Errorf("path %q at host %q is let in", path, host)
			}
		}))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.URL.Path, r.Host = path, host
		h.ServeHTTP(httptest.NewRecorder(), r)
	})
}
