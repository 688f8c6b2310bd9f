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

package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Scenario is a clock and what happens to it.
type Scenario struct {
	// Description says in one line what the scenario shows.
	Description string
	Clock       Clock
	// Steps are ordered by time.
	Steps []Step
	// Loop plays the steps again and again: a round lasts until its last step.
	Loop bool
}

// ParseScenario reads a scenario file. Keys that are not given have the values of
// [DefaultClock]. Unknown keys and values that make no sense are errors that name
// the key or the step.
func ParseScenario(text []byte) (Scenario, error) {
	s, err := parse(text)
	if err != nil {
		return Scenario{}, fmt.Errorf("scenario: %w", err)
	}
	return s, nil
}

func parse(text []byte) (Scenario, error) {
	js, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return Scenario{}, errors.New(plainYAML(err.Error()))
	}
	if string(js) == "null" {
		return Scenario{}, errors.New("the file is empty; give at least a description")
	}
	f := struct {
		Description string `json:"description"`
		Clock
		Steps []json.RawMessage `json:"steps"`
		Loop  bool              `json:"loop"`
	}{Clock: DefaultClock()}
	if err := decode(js, &f); err != nil {
		return Scenario{}, err
	}
	s := Scenario{Description: f.Description, Clock: f.Clock, Loop: f.Loop}
	for i, raw := range f.Steps {
		var step Step
		if err := decode(raw, &step); err != nil {
			return Scenario{}, fmt.Errorf("step %d%s: %w", i+1, verbOf(raw), err)
		}
		s.Steps = append(s.Steps, step)
	}
	if err := s.check(); err != nil {
		return Scenario{}, err
	}
	return s, nil
}

// check returns what cannot be played, and the intervals that no ptp4l can have.
func (s *Scenario) check() error {
	if err := s.Clock.check(); err != nil {
		return err
	}
	if err := powerOfTwo("sync", s.Clock.Sync.Interval); err != nil {
		return err
	}
	if err := powerOfTwo("announce", s.Clock.Announce.Interval); err != nil {
		return err
	}
	for i, step := range s.Steps {
		if err := step.check(&s.Clock); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, step.Do, err)
		}
		if i > 0 && step.At < s.Steps[i-1].At {
			return fmt.Errorf("step %d (%s): at %s is before step %d, which is at %s; give the steps in order of time",
				i+1, step.Do, step.At, i, s.Steps[i-1].At)
		}
	}
	if s.Loop && (len(s.Steps) == 0 || s.Steps[len(s.Steps)-1].At == 0) {
		return errors.New("loop: a round lasts until its last step; give that one a time after 0s")
	}
	return nil
}

// Faster returns the scenario played speed times as fast: steps, drifts, Syncs and
// Announces. The durations of subscriptions stay as they are, because they
// belong to the client.
func (s Scenario) Faster(speed float64) Scenario {
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	s.Clock.Sync.Interval = scale(s.Clock.Sync.Interval)
	s.Clock.Announce.Interval = scale(s.Clock.Announce.Interval)
	s.Steps = slices.Clone(s.Steps)
	for i := range s.Steps {
		s.Steps[i].At = scale(s.Steps[i].At)
		s.Steps[i].Over = scale(s.Steps[i].Over)
	}
	return s
}

// powerOfTwo rejects an interval that PTP cannot express (IEEE 1588-2019, 7.7.2).
func powerOfTwo(section string, d time.Duration) error {
	if d == 0 {
		return nil
	}
	exact := math.Log2(d.Seconds())
	if exact == math.Trunc(exact) && math.Abs(exact) <= 16 {
		return nil
	}
	second := float64(time.Second)
	return fmt.Errorf("%s: interval %s is no power of two of a second; the nearest are %s and %s", section, d,
		time.Duration(math.Exp2(math.Floor(exact))*second), time.Duration(math.Exp2(math.Ceil(exact))*second))
}

// duration reads a Go duration such as 125ms.
type duration time.Duration

// UnmarshalJSON rejects bare numbers: 5 could be seconds or nanoseconds.
func (d *duration) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%s is no duration; give a number and a unit, such as 125ms, 3s or -40ns", text)
	}
	*d = duration(v)
	return nil
}

// loose is a text that YAML may take for a number, such as version: 4.2 or port: 1.
type loose string

// UnmarshalJSON takes both.
func (l *loose) UnmarshalJSON(b []byte) error {
	*l = loose(strings.Trim(string(b), `"`))
	return nil
}

// decode fills v from JSON and rejects keys that v does not have.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return errors.New("nothing is given")
	case errors.As(err, &kind):
		// The keys of a clock are those of a struct embedded in the file's.
		field := strings.TrimPrefix(kind.Field, "Clock.")
		if field != "" {
			field += ": "
		}
		return fmt.Errorf("%s%s does not fit; give %s", field, kind.Value, wanted(kind.Type))
	}
	return errors.New(strings.Replace(strings.TrimPrefix(err.Error(), "json: "), "unknown field", "unknown key", 1))
}

// wanted says what would have fitted.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint16:
		return fmt.Sprintf("a number from 0 to %d", uint64(1)<<t.Bits()-1)
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "keys and values"
	case reflect.String, reflect.Array: // an identity is an array that reads text
		return "a text"
	default:
		return "a number"
	}
}

// plainYAML puts an error of the YAML parser, which may be several, on one line.
func plainYAML(text string) string {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "yaml: "), "unmarshal errors:\n  ")
	return strings.ReplaceAll(text, "\n  ", "; ")
}

// verbOf names the verb of a step that could not be read, as far as it has one.
func verbOf(step []byte) string {
	var f struct {
		Do string `json:"do"`
	}
	if json.Unmarshal(step, &f) != nil || f.Do == "" {
		return ""
	}
	return " (" + f.Do + ")"
}
