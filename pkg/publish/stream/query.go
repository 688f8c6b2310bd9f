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

package stream

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// maxLimit is how many events of the past can be asked for by number: they are held in
// memory until it is known that they are the last.
const maxLimit = 10_000

// query is what a request asks for.
type query struct {
	format       format
	since, until time.Time // zero for not given
	types        []string
	addresses    []oran.Address
	instances    []string
	states       []string
	// limit is how many events of the past to return at most, the newest; negative for all.
	limit  int
	follow bool
	// after is the id of the event that was read last; empty for none.
	after string
	// mark is whether to go on behind what is not kept any more.
	mark bool
}

// parseQuery reads a request. The place is for addresses with a dot, and source is the
// PtpSource that this adapter belongs to.
func parseQuery(r *http.Request, source string, now time.Time) (query, *problem) {
	values := r.URL.Query()
	known := []string{"since", "until", "name", "type", "resource", "instance", "state", "limit", "follow", "after", "gap"}
	for key := range values {
		if !slices.Contains(known, key) {
			return query{}, bad("%q is not a parameter; the parameters are %s", key, strings.Join(known, ", "))
		}
	}
	q := query{
		types: values["type"], instances: values["instance"], states: values["state"],
		after: values.Get("after"), limit: -1,
	}
	if q.after == "" {
		q.after = r.Header.Get("Last-Event-ID") // what browsers send when they connect again
	}
	var p *problem
	if q.format, p = accepted(r.Header.Values("Accept")); p != nil {
		return query{}, p
	}
	for _, name := range values["name"] {
		if name != source {
			return query{}, &problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("this is an adapter of the PtpSource %q, not of %q", source, name)}
		}
	}
	for name, at := range map[string]*time.Time{"since": &q.since, "until": &q.until} {
		if text := values.Get(name); text != "" {
			t, err := parseTime(text, now)
			if err != nil {
				return query{}, bad("%s: %v", name, err)
			}
			*at = t
		}
	}
	if !q.since.IsZero() && !q.until.IsZero() && q.since.After(q.until) {
		return query{}, bad("since (%s) is later than until (%s)", q.since.Format(time.RFC3339Nano), q.until.Format(time.RFC3339Nano))
	}
	for _, text := range values["resource"] {
		a, err := oran.ParseAddress(text)
		if err != nil {
			return query{}, bad("resource: %v", err)
		}
		q.addresses = append(q.addresses, a)
	}
	for n, s := range q.states {
		q.states[n] = strings.ToUpper(s)
	}
	if text := values.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxLimit {
			return query{}, bad("limit is %q; it must be a number from 0 to %d", text, maxLimit)
		}
		q.limit = n
	}
	q.follow = q.format == serverSent && q.until.IsZero()
	if text := values.Get("follow"); text != "" {
		follow, err := strconv.ParseBool(text)
		if err != nil {
			return query{}, bad("follow is %q; it must be true or false", text)
		}
		q.follow = follow
	}
	if q.follow && q.format == batch {
		return query{}, bad("a CloudEvents batch has an end; follow with Accept: %s or %s", ndjson, serverSent)
	}
	switch gap := values.Get("gap"); gap {
	case "":
	case "mark":
		q.mark = true
	default:
		return query{}, bad("gap is %q; it must be mark", gap)
	}
	return q, nil
}

func bad(text string, args ...any) *problem {
	return &problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf(text, args...)}
}

// parseTime reads RFC 3339, seconds since 1970 with or without a fraction, or how long ago
// it was, such as 10m.
func parseTime(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	seconds, fraction, _ := strings.Cut(text, ".")
	whole, err := strconv.ParseInt(seconds, 10, 64)
	if err == nil && len(fraction) <= 9 {
		var nanoseconds uint64
		if fraction != "" {
			nanoseconds, err = strconv.ParseUint(fraction+strings.Repeat("0", 9-len(fraction)), 10, 32)
		}
		if err == nil {
			return time.Unix(whole, int64(nanoseconds)), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; it can be 2026-05-10T07:20:34Z, 1778397634.5 (seconds since 1970) or 10m (ago)", text)
}

// The formats of answers, by their media types.
type format string

const (
	serverSent format = "text/event-stream"
	ndjson     format = "application/x-ndjson"
	batch      format = "application/cloudevents-batch+json"
)

// accepted returns the first format that a client accepts. Weights are not looked at: who
// writes them writes what they want first.
func accepted(headers []string) (format, *problem) {
	all := strings.Join(headers, ",")
	if strings.TrimSpace(all) == "" {
		return ndjson, nil
	}
	for entry := range strings.SplitSeq(all, ",") {
		media, _, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		switch media {
		case string(serverSent), string(ndjson), string(batch):
			return format(media), nil
		case "*/*", "application/*", "application/json", "application/cloudevents+json":
			return ndjson, nil
		}
	}
	return "", &problem{Status: http.StatusNotAcceptable, Detail: fmt.Sprintf("no events in %q; there are %s, %s and %s", all, serverSent, ndjson, batch)}
}

// wants is whether an event is asked for.
func (q *query) wants(e oran.Event, here oran.Place) bool {
	switch {
	case !q.since.IsZero() && e.Time.Before(q.since),
		!q.until.IsZero() && e.Time.After(q.until),
		!chosen(q.types, e.Type),
		!chosen(q.instances, e.Address.Instance),
		!chosen(q.states, e.State):
		return false
	}
	return len(q.addresses) == 0 || slices.ContainsFunc(q.addresses, func(a oran.Address) bool { return oran.Match(a, e.Address, here) })
}

// chosen is whether a value is one of those that are asked for; none means all.
func chosen(among []string, value string) bool {
	return len(among) == 0 || slices.Contains(among, value)
}
