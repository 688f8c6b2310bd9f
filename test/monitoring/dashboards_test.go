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

package monitoring_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/util/teststorage"
)

// metric is a row of docs/metrics.md, which tests hold to what an adapter exposes.
type metric struct {
	kind   string
	labels []string
}

// metrics are all of docs/metrics.md, and the labels that each has.
func metrics(t *testing.T) (all map[string]metric, common []string) {
	t.Helper()
	page, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all = map[string]metric{}
	code := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| `") || len(cells) < 3 || !code.MatchString(cells[1]) {
			continue
		}
		name := code.FindStringSubmatch(cells[0])[1]
		if len(cells) == 3 {
			common = append(common, name)
			continue
		}
		m := metric{kind: strings.TrimSpace(cells[2])}
		for _, label := range code.FindAllStringSubmatch(cells[3], -1) {
			m.labels = append(m.labels, label[1])
		}
		all[name] = m
	}
	if len(all) < 20 || len(common) != 3 {
		t.Fatalf("docs/metrics.md has %d metrics and the labels %q", len(all), common)
	}
	return all, common
}

// values are what labels can be.
func values(label string) []string {
	switch label {
	case "ptp_state":
		return []string{"LOCKED", "HOLDOVER", "FREERUN", "SLAVE", "SYNCHRONIZED", "active", "failing"}
	case "ptp_outcome":
		return []string{"delivered", "deadLettered", "skipped", "failed", "lost"}
	case "ptp_target":
		return []string{"sink", "deadLetterSink"}
	case "ptp_status":
		return []string{"202", "none"}
	case "cloudevents_type":
		return []string{"event.sync.ptp-status.ptp-state-change", "event.sync.ptp-status.ptp-clock-class-change"}
	case "ptp_instance":
		return []string{"ptp4l.0", "ptp4l.1"}
	case "ptp_device":
		return []string{"ptp0", "gnss0"}
	case "ptp_type":
		return []string{"eec", "pps", "other"}
	case "ptp_port":
		return []string{"1"}
	case "network_interface_name":
		return []string{"ens1f0"}
	case "k8s_node_name":
		return []string{"n1", "n2"}
	case "kn_source_name":
		return []string{"fleet"}
	case "kn_source_namespace":
		return []string{"edge"}
	}
	return nil
}

// measured has series of every metric, with a sample every half a minute.
func measured(t *testing.T) *teststorage.TestStorage {
	t.Helper()
	all, common := metrics(t)
	var load strings.Builder
	load.WriteString("load 30s\n  up{namespace=\"eventing-ptp-adapters\", container=\"adapter\", pod=\"p\"} 0x20\n")
	for name, m := range all {
		sets := []string{""}
		for _, label := range append(slices.Clone(common), m.labels...) {
			if len(values(label)) == 0 {
				t.Fatalf("%s: nothing is known of the label %s", name, label)
			}
			var more []string
			for _, set := range sets {
				for _, v := range values(label) {
					more = append(more, fmt.Sprintf("%s%s=%q,", set, label, v))
				}
			}
			sets = more
		}
		for _, set := range sets {
			switch m.kind {
			case "histogram":
				for _, le := range []string{"0.01", "1", "+Inf"} {
					fmt.Fprintf(&load, "  %s_bucket{%sle=%q} 0+1x20\n", name, set, le)
				}
				fmt.Fprintf(&load, "  %s_sum{%s} 0+1x20\n  %s_count{%s} 0+1x20\n", name, set, name, set)
			case "counter":
				fmt.Fprintf(&load, "  %s{%s} 0+1x20\n", name, set)
			default:
				value := 1
				if name == "ptp_journal_writable" || name == "ptp_daemon_up" {
					value = 0 // so that what counts those in trouble has something to count
				}
				fmt.Fprintf(&load, "  %s{%s} %dx20\n", name, set, value)
			}
		}
	}
	storage := promqltest.LoadedStorage(t, load.String())
	t.Cleanup(func() { _ = storage.Close() })
	return storage
}

// names checks that an expression is one, and that all metrics and labels in it are there.
func names(t *testing.T, where, text string) {
	t.Helper()
	all, common := metrics(t)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Errorf("%s: %v in %s", where, err, text)
		return
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		selector, ok := n.(*parser.VectorSelector)
		if !ok || selector.Name == "up" {
			return nil
		}
		name := selector.Name
		m, known := all[name]
		if !known {
			name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			m, known = all[name]
			known = known && m.kind == "histogram"
		}
		if !known {
			t.Errorf("%s: there is no metric %s", where, selector.Name)
			return nil
		}
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name == model.MetricNameLabel {
				continue
			}
			if !slices.Contains(m.labels, matcher.Name) && !slices.Contains(common, matcher.Name) {
				t.Errorf("%s: %s has no label %s", where, name, matcher.Name)
			}
			if matcher.Type == labels.MatchEqual && !slices.Contains(values(matcher.Name), matcher.Value) {
				t.Errorf("%s: %s is never %q", where, matcher.Name, matcher.Value)
			}
		}
		return nil
	})
}

func TestRulesNameMetricsThatAreThere(t *testing.T) {
	for name, r := range alerts(t) {
		names(t, name, r.Expr)
	}
}

// dashboard is what is looked at of one.
type dashboard struct {
	UID, Title string
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		Datasource               struct{ UID string }
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ Expr string }
		FieldConfig              struct{ Defaults struct{ Unit string } }
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(root + "/samples/monitoring/grafana/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d dashboards: %v", len(files), err)
	}
	all := map[string]dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = d
	}
	return all
}

// chosen puts values in the place of Grafana's variables.
func chosen(text string) string {
	return strings.NewReplacer("$__rate_interval", "2m", "$__range", "5m", "$namespace", "edge", "$source", "fleet", "$node", "n1").Replace(text)
}

// Every query is PromQL, names metrics and labels that are there, and finds something where every
// metric is.
func TestQueriesOfDashboards(t *testing.T) {
	storage := measured(t)
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 1_000_000)
	shown := map[string]bool{}
	for file, d := range dashboards(t) {
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			m := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(v.Definition)
			if len(m) != 3 || len(values(m[2])) == 0 {
				t.Errorf("%s: the variable %s is %q", file, v.Name, v.Definition)
				continue
			}
			names(t, file+": "+v.Name, chosen(m[1]))
		}
		for _, p := range d.Panels {
			where := file + ": " + p.Title
			for _, target := range p.Targets {
				expr := chosen(target.Expr)
				if strings.Contains(expr, "$") {
					t.Errorf("%s: the variable in %s is not known", where, expr)
				}
				names(t, where, expr)
				for _, name := range regexp.MustCompile(`ptp_\w+`).FindAllString(expr, -1) {
					shown[regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")] = true
				}
				query, err := engine.NewInstantQuery(t.Context(), storage, nil, expr, time.Unix(600, 0))
				if err != nil {
					t.Errorf("%s: %v", where, err)
					continue
				}
				result := query.Exec(t.Context())
				vector, err := result.Vector()
				if err != nil || len(vector) == 0 || empty(vector) {
					t.Errorf("%s: %s finds %v, %v", where, expr, vector, err)
				}
				query.Close()
			}
		}
	}
	all, _ := metrics(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !shown[name] {
			t.Errorf("no dashboard shows %s", name)
		}
	}
}

// empty is whether nothing is a number.
func empty(v promql.Vector) bool {
	return !slices.ContainsFunc(v, func(s promql.Sample) bool { return s.F == s.F })
}

// A dashboard can be read: panels have titles, say what they show and in which unit, and do not
// lie on each other.
func TestPanels(t *testing.T) {
	for file, d := range dashboards(t) {
		if d.UID == "" || !strings.HasPrefix(d.Title, "PTP ") {
			t.Errorf("%s: uid %q, title %q", file, d.UID, d.Title)
		}
		ids, taken := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: %s: id %d", file, p.Title, p.ID)
			}
			ids[p.ID] = true
			if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
				t.Errorf("%s: %s is at %+v", file, p.Title, p.GridPos)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s lies on %s", file, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			if p.Title == "" || !strings.HasSuffix(p.Description, ".") || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
				t.Errorf("%s: %s: described as %q, from %q, %d queries", file, p.Title, p.Description, p.Datasource.UID, len(p.Targets))
			}
			if p.FieldConfig.Defaults.Unit == "" && p.Type != "table" && p.Type != "state-timeline" {
				t.Errorf("%s: %s has no unit", file, p.Title)
			}
		}
	}
}
