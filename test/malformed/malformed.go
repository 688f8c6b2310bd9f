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

// Package malformed makes requests to an HTTP API that are wrong in many ways, each series of
// them again from its seed, and counts what becomes of them.
package malformed

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
)

// Words are what an API knows, of which requests are made that are not quite right.
type Words struct {
	// Paths and Bodies are good ones.
	Paths, Bodies []string
	// Headers are names of headers, with values that are good.
	Headers map[string][]string
}

// Report says what has become of requests.
type Report struct {
	// Requests is how many there were, and Statuses what they were answered, by the first
	// digit.
	Requests int
	Statuses [6]int
	// Wrong are the first of those that were answered with a 5xx or with nothing that a
	// client can read, or that ended in a panic, which Failures counts.
	Failures int
	Wrong    []string
}

// Add returns both reports as one.
func (r Report) Add(other Report) Report {
	r.Requests += other.Requests
	r.Failures += other.Failures
	for n, count := range other.Statuses {
		r.Statuses[n] += count
	}
	r.Wrong = append(slices.Clone(r.Wrong), other.Wrong...)
	r.Wrong = r.Wrong[:min(len(r.Wrong), longestList)]
	return r
}

// longestList is how much is shown of what is wrong.
const longestList = 5

// Run sends n requests of the series of a seed to a handler, one after the other.
func Run(handler http.Handler, words Words, seed uint64, n int) Report {
	g := &generator{words: words, random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // it must come again
	g.names = slices.Sorted(maps.Keys(words.Headers))                     // a series must have an order
	var report Report
	for range n {
		r := g.next()
		answer, problem := ask(handler, r)
		report.Requests++
		if answer/100 < len(report.Statuses) {
			report.Statuses[answer/100]++
		}
		if problem != "" {
			report.Failures++
			if len(report.Wrong) < longestList {
				report.Wrong = append(report.Wrong, problem)
			}
		}
	}
	return report
}

// ask returns the status of an answer, and what is wrong with it.
func ask(handler http.Handler, r *http.Request) (status int, problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprintf("%s %q: panic: %v\n%s", r.Method, r.URL, p, debug.Stack())
		}
	}()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code < 200 || w.Code >= 500 {
		return w.Code, fmt.Sprintf("%s %q: %d %.200q", r.Method, r.URL, w.Code, w.Body)
	}
	return w.Code, ""
}

// generator makes requests.
type generator struct {
	words  Words
	names  []string
	random *rand.Rand
}

func (g *generator) one(of ...string) string { return of[g.random.IntN(len(of))] }

// sometimes is true once in n times.
func (g *generator) sometimes(n int) bool { return g.random.IntN(n) == 0 }

func (g *generator) next() *http.Request {
	method := g.one("GET", "GET", "POST", "POST", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "X")
	target := g.path()
	if g.sometimes(4) {
		target += "?" + g.text(g.one("EndpointUri=http://x", "all=true", "all=", "%zz", "a=b&a=c;d", "&&&"))
	}
	u := &url.URL{}
	if parsed, err := url.ParseRequestURI(target); err == nil {
		u = parsed
	} else { // what a server that understands it otherwise would have made of it
		u.Path = target
	}
	r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(g.body()))
	r.Method, r.URL, r.Host = method, u, g.one("x", "", "x:1", "[::1]:9043", g.junk(20))
	r.RemoteAddr = g.one("10.0.0.1:1", "[fd00::1]:1", "@", "")
	for g.sometimes(2) && len(g.names) > 0 {
		name := g.one(g.names...)
		r.Header.Add(name, g.text(g.one(g.words.Headers[name]...)))
	}
	if g.sometimes(8) {
		r.ContentLength = int64(g.random.IntN(1 << 20))
	}
	return r
}

// path is one that is good, or nearly.
func (g *generator) path() string {
	p := g.one(g.words.Paths...)
	parts := strings.Split(p, "/")
	for g.sometimes(2) {
		at := g.random.IntN(len(parts))
		switch g.random.IntN(6) {
		case 0:
			parts[at] = g.text(parts[at])
		case 1:
			parts = append(parts[:at], parts[at+1:]...)
			if len(parts) == 0 {
				parts = []string{""}
			}
		case 2:
			parts = append(parts[:at], append([]string{g.one("", ".", "..", "*", "sync", "node", "%2f", "%00", "[", "\\", "\u202e")}, parts[at:]...)...)
		case 3:
			parts[at] = strings.Repeat(parts[at]+"*", 1+g.random.IntN(40))
		case 4:
			parts[at] = url.PathEscape(parts[at] + g.junk(6))
		case 5:
			parts[at] = g.junk(12)
		}
	}
	return "/" + strings.TrimPrefix(strings.Join(parts, "/"), "/")
}

// body is one that is good, or nearly.
func (g *generator) body() string {
	b := g.one(g.words.Bodies...)
	switch g.random.IntN(12) {
	case 0:
		return b
	case 1:
		return b[:g.random.IntN(len(b)+1)]
	case 2:
		return strings.Replace(b, `"`, g.one("", "'", `\"`, "\x00", `""`), 1+g.random.IntN(3))
	case 3: // a value of another kind
		from, _, _ := strings.Cut(b, ":")
		return from + ":" + g.one("null", "1e999", "-0", "[]", "{}", "true", "[[[[", `"`+g.junk(30)+`"`, `{"a":`) + b[min(len(b), len(from)+1):]
	case 4:
		return strings.Repeat(g.one("[", "{", `{"a":`, "[{"), 1+g.random.IntN(20_000))
	case 5:
		return b + b
	case 6:
		return strings.Replace(b, "http", g.one("ftp", "HTTP", "http:", "//", "file", "http://"+g.junk(10)+"@", "http%3a"), 1)
	case 7:
		return strings.Replace(b, ":1/", g.one(":0/", ":65536/", ":-1/", "/", ":x/", "#/", "]/", "%00/", ":1/"+strings.Repeat("x", 4000)), 1)
	case 8:
		return strings.ToUpper(b)
	case 9:
		return b + strings.Repeat(" ", g.random.IntN(100_000))
	case 10:
		return g.junk(200)
	}
	return g.text(b)
}

// text changes some bytes of a text.
func (g *generator) text(s string) string {
	b := []byte(s)
	for g.sometimes(2) && len(b) > 0 {
		at := g.random.IntN(len(b))
		switch g.random.IntN(3) {
		case 0:
			b[at] = byte(g.random.IntN(256))
		case 1:
			b = append(b[:at], b[at+1:]...)
		case 2:
			b = append(b[:at], append([]byte(g.junk(4)), b[at:]...)...)
		}
	}
	return string(b)
}

// junk is up to n bytes of anything.
func (g *generator) junk(n int) string {
	b := make([]byte, g.random.IntN(n+1))
	for i := range b {
		b[i] = byte(g.random.IntN(256))
	}
	return string(b)
}
