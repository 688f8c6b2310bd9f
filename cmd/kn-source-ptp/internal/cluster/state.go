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

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// atOnce is how many adapters are asked for their state at a time.
const atOnce = 64

// State is what an adapter says of its clocks, or why it says nothing.
type State struct {
	Adapter
	State *stream.State
	Err   error
}

// States asks adapters, all at once, and returns their answers in the same order. None of
// them can delay it for longer than patience.
func (c *Client) States(ctx context.Context, adapters []Adapter, patience time.Duration) []State {
	all := make([]State, len(adapters))
	var asking sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for n, a := range adapters {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			state, err := c.State(ctx, a, patience)
			all[n] = State{a, state, err}
		})
	}
	asking.Wait()
	return all
}

// State asks one adapter for its state. It fails with words for people.
func (c *Client) State(ctx context.Context, a Adapter, patience time.Duration) (*stream.State, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := c.Ask(ctx, a, "v1/state", nil, "application/json")
	if err == nil {
		defer answer.Close()
		state := &stream.State{}
		if err = json.NewDecoder(answer).Decode(state); err == nil {
			return state, nil
		}
		err = fmt.Errorf("read its state: %w", err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it did not answer within %v", patience)
	}
	return nil, err
}
