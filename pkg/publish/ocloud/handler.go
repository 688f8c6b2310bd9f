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

package ocloud

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// The versions as they are in paths.
const (
	pathV1 = "v1"
	pathV2 = "v2"
)

// call is one request.
type call struct {
	w http.ResponseWriter
	r *http.Request
	// version is the one in the path; empty for what has none.
	version string
	// base is what the path has before the version, as it was written: /api or nothing.
	base string
	// rest are the parts of the path behind the version.
	rest []string
	// user is who asks; empty where nobody must say.
	user string
}

// operation answers one method of one path.
type operation func(*API, *call) error

// methods are the operations of one path.
type methods map[string]operation

// Handler answers requests.
func (a *API) Handler() http.Handler {
	turns := newShares(a.Limits.Requests, a.Limits.RequestsPerClient)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r}
		allowed := c.route()
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !c.public() {
			client := hostOf(r.RemoteAddr)
			if !turns.take(client) {
				(&problem{status: http.StatusServiceUnavailable, detail: "too many requests are being answered: come again", retry: time.Second}).write(w, c.version)
				return
			}
			defer turns.free(client)
		}
		if err := a.answer(c, allowed); err != nil {
			p, ok := errors.AsType[*problem](err)
			if !ok {
				p = problemf(http.StatusBadRequest, "%v", err)
			}
			p.write(w, c.version)
		}
	})
}

func (a *API) answer(c *call, allowed methods) error {
	if allowed == nil {
		return problemf(http.StatusNotFound, "there is nothing at %.200q: the paths begin with /ocloudNotifications/v2 or /api/ocloudNotifications/v2, and /ocloudNotifications/openapi.yaml describes them", c.r.URL.Path)
	}
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	do, ok := allowed[method]
	if !ok {
		var names []string
		for name := range allowed {
			names = append(names, name)
		}
		slices.Sort(names)
		c.w.Header().Set("Allow", strings.Join(names, ", "))
		return problemf(http.StatusMethodNotAllowed, "%.20q cannot be done here: use %s", c.r.Method, strings.Join(names, " or "))
	}
	if !c.public() {
		var err error
		if c.user, err = a.authorize(c.r, verbOf(method)); err != nil {
			if p, ok := errors.AsType[*problem](err); ok && p.status == http.StatusUnauthorized {
				c.w.Header().Set("WWW-Authenticate", `Bearer realm="ocloudNotifications"`)
			}
			return err
		}
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, a.Limits.Body)
	return do(a, c)
}

// public is whether everybody may ask: for nothing that says anything of clocks or clients.
func (c *call) public() bool { return len(c.rest) == 1 && c.rest[0] == "health" }

// route takes the path apart, and returns what can be done there; nil: nothing. Slashes may
// be repeated, as they are where an address that begins with one is put behind a path that
// ends with one.
func (c *call) route() methods {
	parts := partsOf(c.r.URL)
	if len(parts) == 1 && parts[0] == "health" {
		c.rest = parts
		return methods{http.MethodGet: (*API).healthOfOldVersions}
	}
	if len(parts) > 0 && parts[0] == "api" {
		c.base, parts = "/api", parts[1:]
	}
	if len(parts) < 2 || parts[0] != "ocloudNotifications" {
		return nil
	}
	switch parts[1] {
	case "api_versions":
		if len(parts) == 2 {
			return methods{http.MethodGet: (*API).versions}
		}
		return nil
	case "openapi.yaml":
		if len(parts) == 2 {
			return methods{http.MethodGet: (*API).description}
		}
		return nil
	case pathV1, pathV2:
		c.version, c.rest = parts[1], parts[2:]
		return c.routeVersion()
	}
	return nil
}

// partsOf returns the parts of a path. What had to be escaped is escaped as it is in the names
// of instances, where serial/by-id/gps is serial%2Fby-id%2Fgps.
func partsOf(u *url.URL) []string {
	parts := strings.FieldsFunc(u.EscapedPath(), func(r rune) bool { return r == '/' })
	for n, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil && plain != part {
			parts[n] = url.PathEscape(plain)
		}
	}
	return parts
}

func (c *call) routeVersion() methods {
	n := len(c.rest)
	switch {
	case n == 0:
		return nil
	case n >= 2 && strings.EqualFold(c.rest[n-1], "CurrentState"): // StarlingX has it in any case
		return methods{http.MethodGet: (*API).currentState}
	case n == 1 && c.rest[0] == "health":
		return methods{http.MethodGet: (*API).health}
	case n == 1 && c.rest[0] == "publishers":
		return methods{http.MethodGet: (*API).publishers}
	case n == 2 && c.rest[0] == "publishers":
		return methods{http.MethodGet: (*API).publisher}
	case n == 1 && c.rest[0] == "subscriptions":
		return methods{http.MethodPost: (*API).subscribe, http.MethodGet: (*API).subscribed, http.MethodDelete: (*API).unsubscribeAll}
	case n == 2 && c.rest[0] == "subscriptions":
		return methods{http.MethodGet: (*API).subscription, http.MethodDelete: (*API).unsubscribe}
	case n == 3 && c.rest[0] == "subscriptions" && c.rest[1] == "status":
		return methods{http.MethodPut: (*API).ping}
	}
	return nil
}

// send answers with what becomes JSON.
func (c *call) send(status int, v any) {
	c.raw(status, contentJSON, append(marshal(v), '\n'))
}

func (c *call) raw(status int, content string, body []byte) {
	c.w.Header().Set("Content-Type", content)
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // who has gone need not know
}

// location returns the URL of something below this version, as the client sees it.
func (c *call) location(path string) string {
	scheme, host := "http", c.r.Host
	if c.r.TLS != nil {
		scheme = "https"
	}
	if host == "" { // HTTP/1.0
		if local, ok := c.r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = local.String()
		}
	}
	return scheme + "://" + host + c.base + "/ocloudNotifications/" + c.version + "/" + path
}

func (a *API) versions(c *call) error {
	c.send(http.StatusOK, map[string][]string{"SubscriptionVersion": {pathV1, pathV2}})
	return nil
}

func (a *API) health(c *call) error {
	c.raw(http.StatusOK, "text/plain; charset=utf-8", []byte("OK"))
	return nil
}

// healthOfOldVersions is as OpenShift's transport and StarlingX have answered.
func (a *API) healthOfOldVersions(c *call) error {
	c.send(http.StatusOK, map[string]bool{"health": true, "ok": true})
	return nil
}

// known waits until something is known of the clocks, which takes a moment when the adapter
// starts.
func (a *API) known(ctx context.Context) error {
	const moment, longest = 10 * time.Millisecond, time.Second
	for began := time.Now(); ; {
		if _, ready := a.Live.Now(); ready {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(moment):
		}
		if ctx.Err() != nil || time.Since(began) > longest {
			return &problem{status: http.StatusServiceUnavailable, detail: "the clocks are being read for the first time: come again", retry: time.Second}
		}
	}
}

// currentState answers with what holds of a resource: an event; or several in an array,
// where the address is of several resources, or the client asks for that.
func (a *API) currentState(c *call) error {
	of := c.rest[:len(c.rest)-1]
	batch := strings.Contains(c.r.Header.Get("Accept"), contentBatch)
	starlingX := c.version == pathV1 && len(of) == 1 && strings.EqualFold(of[0], "ptp")
	address := "/" + strings.Join(of, "/")
	if starlingX {
		address = oran.LockState
	}
	pattern, err := parsePattern(address, a.Here)
	if err != nil {
		return problemf(http.StatusNotFound, "%v", err)
	}
	if err := a.known(c.r.Context()); err != nil {
		return err
	}
	states := a.states(pattern)
	if err := a.answerable(pattern, states); err != nil {
		return err
	}
	many := starlingX || batch || len(states) > 1
	if starlingX || batch {
		states = a.separate(pattern)
	}
	var bodies [][]byte
	for _, s := range states {
		switch {
		case starlingX:
			bodies = append(bodies, s.encodeStarlingX())
		case c.version == pathV1:
			bodies = append(bodies, s.stateV1())
		default:
			bodies = append(bodies, s.encode())
		}
	}
	c.w.Header().Set("Vary", "Accept")
	content := contentJSON
	if !many {
		if strings.Contains(c.r.Header.Get("Accept"), contentEvent) {
			content = contentEvent
		}
		c.raw(http.StatusOK, content, append(bodies[0], '\n'))
		return nil
	}
	if batch {
		content = contentBatch
	}
	c.raw(http.StatusOK, content, array(bodies))
	return nil
}

// answerable refuses what has no state.
func (a *API) answerable(pattern oran.Address, states []*notice) error {
	if pattern.Instance != "" {
		var instances []string
		now, _ := a.Live.Now()
		for _, e := range now {
			if e.Address.Instance != "" && !slices.Contains(instances, e.Address.Instance) {
				instances = append(instances, e.Address.Instance)
			}
			if oran.Match(pattern, e.Address, a.Here) {
				return nil
			}
		}
		return problemf(http.StatusNotFound, "there is no instance %.100q of %s on this node; there is %s", pattern.Instance, pattern.Resource, strings.Join(append(instances, "nothing else"), ", "))
	}
	if len(states) == 0 {
		return problemf(http.StatusNotFound, "%s has no state: it tells of what happens, to those who subscribe", pattern.Resource)
	}
	return nil
}

// array puts objects into an array.
func array(objects [][]byte) []byte {
	all := []byte{'['}
	for n, o := range objects {
		if n > 0 {
			all = append(all, ',')
		}
		all = append(all, o...)
	}
	return append(all, "]\n"...)
}

func (a *API) publishers(c *call) error {
	list := []any{}
	for _, d := range oran.Definitions() {
		if isState(d) {
			list = append(list, c.publisher(a.Here, d))
		}
	}
	c.send(http.StatusOK, list)
	return nil
}

func (a *API) publisher(c *call) error {
	for _, d := range oran.Definitions() {
		if isState(d) && publisherID(a.Here, d) == c.rest[1] {
			c.send(http.StatusOK, c.publisher(a.Here, d))
			return nil
		}
	}
	return problemf(http.StatusNotFound, "there is no publisher %.100q: GET %s lists them", c.rest[1], c.location("publishers"))
}

func publisherID(here oran.Place, d oran.Definition) string {
	return idOf(oran.Address{Cluster: here.Cluster, Node: here.Node, Resource: d.Resource}.String())
}

// publisher tells of a resource. Its endpoint is where its state is.
func (c *call) publisher(here oran.Place, d oran.Definition) any {
	address := oran.Address{Cluster: here.Cluster, Node: here.Node, Resource: d.Resource}.String()
	r := record{ID: publisherID(here, d), API: v2, Resource: address, EndpointURI: c.location(address[1:] + "/CurrentState")}
	location := c.location("publishers/" + r.ID)
	if c.version == pathV1 {
		return spellV1(r, location, nil)
	}
	return spellV2(r, location, nil)
}
