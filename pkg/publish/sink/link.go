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

package sink

import (
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"
)

// link is the way to one target. It says once that the target fails, and once that it
// is back.
type link struct {
	is     TargetName
	name   string // for logs
	target Target
	client http.Client
	uri    string // of the target, as it may be shown
	log    *zap.Logger

	failures   int  // in a row
	unanswered bool // the last one had no answer

	since time.Time // when the target began to fail; zero while it does not
	lossy bool      // it was said that the journal overflows meanwhile
}

func newLink(is TargetName, name string, t Target, log *zap.Logger) *link {
	uri := shown(t.URL)
	return &link{
		is:     is,
		name:   name,
		target: t,
		client: http.Client{Transport: t.Transport, CheckRedirect: keepPost},
		uri:    uri,
		log:    log.With(zap.String("uri", uri)),
	}
}

// shown returns a URI without what may be a secret in it.
func shown(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return "(not a URL)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func (l *link) failed(m message, v verdict, waiting uint64) {
	l.failures++
	l.unanswered = v.status == 0
	if !l.since.IsZero() {
		return
	}
	l.since = time.Now()
	l.log.Warn(l.name+" does not take events; they are kept and tried again",
		zap.String("reason", v.reason), zap.String("do", v.advice()),
		zap.String("id", m.id()), zap.String("type", m.eventType()), zap.Uint64("waiting", waiting))
}

func (l *link) overflowed() {
	if !l.lossy {
		l.lossy = true
		l.log.Error("the journal is full while " + l.name + " does not take events; from now on the oldest are lost")
	}
}

func (l *link) worked(waiting uint64) {
	l.failures = 0
	if l.since.IsZero() {
		return
	}
	l.log.Info(l.name+" takes events again", zap.Duration("after", time.Since(l.since)), zap.Uint64("waiting", waiting))
	l.since, l.lossy = time.Time{}, false
}
