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
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// request asks for a subscription, in any spelling. encoding/json takes EndpointUri for
// endpointUri as well.
type request struct {
	EndpointURI       string `json:"EndpointUri"`
	ResourceAddress   string `json:"ResourceAddress"`
	Resource          string `json:"resource"` // OpenShift's v1
	ResourceType      string `json:"ResourceType"`
	ResourceQualifier struct {
		NodeName string `json:"NodeName"`
	} `json:"ResourceQualifier"`
	// ContentType is of what is sent: our own, because the API has nothing of the kind.
	ContentType string `json:"ContentType"`
}

// subscriptionV2 is a subscription as v2 spells it. Status is ours.
type subscriptionV2 struct {
	SubscriptionID  string  `json:"SubscriptionId"`
	EndpointURI     string  `json:"EndpointUri"`
	ResourceAddress string  `json:"ResourceAddress"`
	URILocation     string  `json:"UriLocation"`
	ContentType     string  `json:"ContentType,omitempty"`
	Status          *status `json:"Status,omitempty"`
}

func spellV2(r record, location string, s *status) subscriptionV2 {
	return subscriptionV2{r.ID, r.EndpointURI, r.Resource, location, r.ContentType, s}
}

// subscriptionV1 is a subscription as OpenShift's v1 spells it.
type subscriptionV1 struct {
	ID          string  `json:"id"`
	EndpointURI string  `json:"endpointUri"`
	URILocation string  `json:"uriLocation"`
	Resource    string  `json:"resource"`
	Status      *status `json:"status,omitempty"`
}

func spellV1(r record, location string, s *status) subscriptionV1 {
	return subscriptionV1{r.ID, r.EndpointURI, location, r.Resource, s}
}

// subscriptionX is a subscription as StarlingX's v1 spells it.
type subscriptionX struct {
	SubscriptionID    string    `json:"SubscriptionId"`
	ResourceType      string    `json:"ResourceType"`
	ResourceQualifier qualifier `json:"ResourceQualifier"`
	EndpointURI       string    `json:"EndpointUri"`
	URILocation       string    `json:"UriLocation"`
	Status            *status   `json:"Status,omitempty"`
}

type qualifier struct {
	NodeName string `json:"NodeName"`
}

// spell returns a subscription as the client's version does.
func (c *call) spell(r record, s *status) any {
	location := c.locationOf(r)
	switch {
	case c.version != pathV1:
		return spellV2(r, location, s)
	case r.API == v1StarlingX:
		node, _, _ := strings.Cut(strings.TrimPrefix(r.Resource, "/./"), "/")
		return subscriptionX{r.ID, "PTP", qualifier{node}, r.EndpointURI, location, s}
	}
	return spellV1(r, location, s)
}

func (c *call) locationOf(r record) string { return c.location("subscriptions/" + r.ID) }

// read returns what is asked for, and checks its form.
func (c *call) read() (record, error) {
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return record{}, problemf(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes; a subscription has some hundred", tooLarge.Limit)
		}
		return record{}, problemf(http.StatusBadRequest, "the body could not be read: %v", err)
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		return record{}, problemf(http.StatusBadRequest, "the body must be a JSON object with EndpointUri and ResourceAddress: %v", err)
	}
	r := record{EndpointURI: q.EndpointURI, Resource: q.ResourceAddress, API: v2, ContentType: q.ContentType}
	if r.Resource == "" {
		r.Resource = q.Resource
	}
	if c.version == pathV1 {
		r.API = v1
		if q.ResourceType != "" {
			if !strings.EqualFold(q.ResourceType, "PTP") {
				return record{}, problemf(http.StatusBadRequest, "ResourceType is %.100q; v1 knows PTP only. v2 has the other resources", q.ResourceType)
			}
			if q.ResourceQualifier.NodeName == "" || strings.Contains(q.ResourceQualifier.NodeName, "/") {
				return record{}, problemf(http.StatusBadRequest, `ResourceQualifier.NodeName is %.100q; it must be the name of a node, "." or "*"`, q.ResourceQualifier.NodeName)
			}
			r.API, r.Resource = v1StarlingX, "/./"+q.ResourceQualifier.NodeName+oran.LockState
		}
	}
	switch {
	case r.EndpointURI == "":
		return r, problemf(http.StatusBadRequest, "EndpointUri is missing: the URL that notifications are to be sent to, like http://consumer.default.svc:9043/event")
	case r.Resource == "":
		return r, problemf(http.StatusBadRequest, "%s is missing: the address of what to be notified of, like /./././sync or /cluster/node/<node>/sync/ptp-status/lock-state", map[bool]string{false: "ResourceAddress", true: "resource"}[c.version == pathV1])
	case len(r.Resource) > longestAddress:
		return r, problemf(http.StatusBadRequest, "ResourceAddress has %d characters; it may have %d", len(r.Resource), longestAddress)
	case r.API != v2 && r.ContentType != "":
		return r, problemf(http.StatusBadRequest, "ContentType can be chosen in v2 only")
	case r.ContentType != "" && r.ContentType != contentJSON && r.ContentType != contentEvent:
		return r, problemf(http.StatusBadRequest, "ContentType is %.100q; it must be %s or %s", r.ContentType, contentJSON, contentEvent)
	}
	return r, nil
}

const longestAddress = 1024

func (a *API) subscribe(c *call) error {
	r, err := c.read()
	if err != nil {
		return err
	}
	if err := a.Endpoints.checkURI(r.EndpointURI); err != nil {
		return err
	}
	pattern, err := parsePattern(r.Resource, a.Here)
	if err != nil {
		return problemf(http.StatusNotFound, "%v", err)
	}
	if !a.recorded(pattern) {
		return problemf(http.StatusNotFound, "no event of %s is recorded here: let spec.events.types of the source name %s, or leave it out", pattern.Resource, covered(pattern)[0].EventType)
	}
	r.ID, r.Owner, r.Created = newID(), c.user, time.Now().Round(0).UTC()
	if existing, err := a.want(r, pattern); err != nil {
		return err
	} else if existing != nil {
		return c.exists(*existing)
	}
	defer a.unwant(r)

	s := newSubscription(a.ctx, r, pattern)
	// What happens from here on waits in the journal; what has happened before is in the
	// states. So it may be told twice, and is never missed.
	s.cursor = a.Journal.Tail(r.cursorName())
	if s.delivered, err = a.greet(c.r.Context(), r, pattern); err != nil {
		s.end()
		a.Journal.Forget(r.cursorName())
		return err
	}
	a.add(s)
	a.note(line{Subscription: &r})
	a.Logger.Info("subscribed", zap.String("id", r.ID), zap.String("endpoint", shown(r.EndpointURI)), zap.String("resource", r.Resource), zap.String("api", string(r.API)), zap.String("by", r.Owner))
	a.wake(s)
	c.w.Header().Set("Location", c.locationOf(r))
	c.send(http.StatusCreated, c.spell(r, nil))
	return nil
}

// want says that a subscription is about to be made. It returns the one that there is
// already: to the same endpoint, and of all that the new one would be of.
func (a *API) want(r record, pattern oran.Address) (*record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.subscriptions {
		if covers(s.record, s.pattern, r, pattern) {
			existing := s.record
			return &existing, nil
		}
	}
	for _, other := range a.wanted {
		if p, err := parsePattern(other.Resource, a.Here); err == nil && covers(other, p, r, pattern) {
			return &other, nil
		}
	}
	if n := len(a.subscriptions) + len(a.wanted); n >= a.Limits.Subscriptions {
		return nil, problemf(http.StatusTooManyRequests, "there are %d subscriptions, and there can be no more: delete some, or raise oCloud.maxSubscriptions of the source", n)
	}
	a.wanted[r.ID] = r
	return nil, nil
}

func (a *API) unwant(r record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.wanted, r.ID)
}

// covers is whether a subscription makes another one superfluous.
func covers(r record, pattern oran.Address, other record, others oran.Address) bool {
	return r.EndpointURI == other.EndpointURI && r.API == other.API && oran.Match(pattern, others, oran.Place{})
}

// exists answers who subscribes again. OpenShift's v1 has taken that for a new one;
// StarlingX's has not.
func (c *call) exists(r record) error {
	c.w.Header().Set("Location", c.locationOf(r))
	if r.API == v1 {
		c.send(http.StatusCreated, c.spell(r, nil))
		return nil
	}
	return &problem{
		status: http.StatusConflict,
		detail: fmt.Sprintf("the endpoint has this subscription already, or one of all that is below %s: %s", r.Resource, c.locationOf(r)),
		more: map[string]any{
			"SubscriptionId": r.ID, "EndpointUri": r.EndpointURI, "ResourceAddress": r.Resource, "UriLocation": c.locationOf(r),
		},
	}
}

func (a *API) subscribed(c *call) error {
	list := []any{}
	for _, s := range a.list() {
		is := s.status()
		list = append(list, c.spell(s.now(), &is))
	}
	c.send(http.StatusOK, list)
	return nil
}

// find returns the subscription that the path names.
func (a *API) find(c *call, id string) (*subscription, error) {
	if s := a.get(id); s != nil {
		return s, nil
	}
	return nil, problemf(http.StatusNotFound, "there is no subscription %.100q: GET %s lists those that there are", id, c.location("subscriptions"))
}

func (a *API) subscription(c *call) error {
	s, err := a.find(c, c.rest[1])
	if err != nil {
		return err
	}
	is := s.status()
	c.send(http.StatusOK, c.spell(s.now(), &is))
	return nil
}

func (a *API) unsubscribe(c *call) error {
	s, err := a.find(c, c.rest[1])
	if err != nil {
		return err
	}
	if err := a.mayRemove(c, s); err != nil {
		return err
	}
	a.remove(s.ID)
	a.Logger.Info("unsubscribed", zap.String("id", s.ID), zap.String("endpoint", shown(s.EndpointURI)), zap.String("by", c.user))
	return c.deleted(s.API == v1StarlingX)
}

// mayRemove is whether a subscription is the client's own, or the client may remove others.
func (a *API) mayRemove(c *call, s *subscription) error {
	if s.Owner == c.user {
		return nil
	}
	_, err := a.authorize(c.r, verbDelete, verbDeleteAny)
	return err
}

// deleted answers who has deleted. OpenShift's v1 has answered in words; StarlingX's has not.
func (c *call) deleted(starlingX bool) error {
	if c.version == pathV1 && !starlingX {
		c.send(http.StatusOK, map[string]string{"status": "OK"})
		return nil
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// unsubscribeAll removes all subscriptions of the client. Who that is, is known where
// clients say who they are. Where they do not, it is taken for granted while there is only
// one endpoint, and refused otherwise: nobody removes another's by accident.
func (a *API) unsubscribeAll(c *call) error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return problemf(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	all, of := slices.Clone(a.list()), query.Get("EndpointUri")
	everybodys, _ := strconv.ParseBool(query.Get("all"))
	switch {
	case of != "":
		all = slices.DeleteFunc(all, func(s *subscription) bool { return s.EndpointURI != of })
		for _, s := range all {
			if err := a.mayRemove(c, s); err != nil {
				return err
			}
		}
	case everybodys:
		if _, err := a.authorize(c.r, verbDelete, verbDeleteAny); err != nil {
			return err
		}
	case a.asksWho():
		all = slices.DeleteFunc(all, func(s *subscription) bool { return s.Owner != c.user })
	default:
		clients := map[string]bool{}
		for _, s := range all {
			clients[clientOf(s.EndpointURI)] = true
		}
		if len(clients) > 1 {
			return &problem{
				status: http.StatusConflict,
				detail: fmt.Sprintf("there are subscriptions of %d endpoints, and not all may be yours: delete one after the other, "+
					"those of one endpoint with ?EndpointUri=<uri>, or everybody's with ?all=true", len(clients)),
				more: map[string]any{"endpoints": slices.Sorted(maps.Keys(clients))},
			}
		}
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	a.remove(ids...)
	a.Logger.Info("unsubscribed", zap.Strings("ids", ids), zap.Bool("everybody", everybodys), zap.String("by", c.user))
	return c.deleted(false)
}

// clientOf is what of an endpoint tells clients apart.
func clientOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	return u.Scheme + "://" + u.Host
}

// ping sends what holds now to an endpoint that has subscribed, as OpenShift's did.
func (a *API) ping(c *call) error {
	s, err := a.find(c, c.rest[2])
	if err != nil {
		return err
	}
	if err := a.mayRemove(c, s); err != nil {
		return err
	}
	if _, err := a.greet(c.r.Context(), s.record, s.pattern); err != nil {
		return err
	}
	c.send(http.StatusAccepted, map[string]string{"status": "ping sent"})
	return nil
}
