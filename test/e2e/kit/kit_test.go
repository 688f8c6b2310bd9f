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

package kit

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
	"github.com/eventing-ptp/eventing-ptp/test/manifest"
)

func TestNamespaceOf(t *testing.T) {
	for test, want := range map[string]string{
		"TestSinkIsChanged":      "sink-is-changed",
		"TestOIDC":               "oidc",
		"TestPtp4lIsRestarted":   "ptp4l-is-restarted",
		"TestChain/by-node/Once": "chain-by-node-once",
	} {
		if got := namespaceOf(test); got != want {
			t.Errorf("%s: %s, want %s", test, got, want)
		}
	}
}

// entry is one that was taken, of source ns/clocks on n1.
func entry() ledger.Entry {
	e := cloudevents.NewEvent()
	e.SetID("a-1")
	e.SetType(LockState)
	e.SetSource("/cluster/node/n1/sync/ptp-status/lock-state")
	e.SetSubject("ptp4l.0")
	e.SetTime(time.Unix(0, 0))
	for name, value := range map[string]string{
		ledger.StreamExtension: "ns/clocks", "node": "n1", "instance": "ptp4l.0", "ptpstate": "LOCKED", "ptpreason": "OffsetInRange",
	} {
		e.SetExtension(name, value)
	}
	return ledger.Entry{Inbox: "/there", Status: 202, Event: e}
}

func TestEventMatches(t *testing.T) {
	all := Event{
		Inbox: "/there", Source: "clocks", Node: "n1", Instance: "ptp4l.0", Type: LockState, State: "LOCKED", Reason: "OffsetInRange",
	}
	for _, test := range []struct {
		name string
		want Event
		ok   bool
	}{
		{"nothing is asked for", Event{}, true},
		{"everything is as asked for", all, true},
		{"another inbox", Event{Inbox: "/"}, false},
		{"another source", Event{Source: "ns/clocks"}, false},
		{"another node", Event{Node: "n2"}, false},
		{"another instance", Event{Instance: "ptp4l"}, false},
		{"another type", Event{Type: SyncState}, false},
		{"another state", Event{State: "FREERUN"}, false},
		{"another reason", Event{Reason: "DaemonDown"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := len(Matching([]ledger.Entry{entry()}, test.want)) == 1; got != test.ok {
				t.Errorf("%v: %v", test.want, got)
			}
		})
	}
	refused := entry()
	refused.Status = 503
	if len(Matching([]ledger.Entry{refused}, Event{})) > 0 {
		t.Error("an event that was not taken counts")
	}
}

func TestEventIsDescribed(t *testing.T) {
	const want = `a-1 event.sync.ptp-status.ptp-state-change ptp4l.0 of ns/clocks on n1: "" to "LOCKED" (OffsetInRange), ` +
		`observed Jan  1 00:00:00.000000, arrived Jan  1 00:00:01.000000`
	e := entry()
	e.Arrived = time.Unix(1, 0)
	if got := Describe(e); got != want {
		t.Errorf("got %s", got)
	}
	if got, want := (Event{Node: "n1", State: "LOCKED"}).String(), "an event with node n1, state LOCKED"; got != want {
		t.Errorf("got %s", got)
	}
}

// What a recorder is made of can be read, and has what was filled in.
func TestRecordersAreObjects(t *testing.T) {
	for name, text := range map[string]string{
		"deployment": replace(deployment, "RECORDER", "app", "ARGS", "[-tls, /tls]", "IMAGE", "registry/recorder", "NAMESPACE", "ns"),
		"service":    replace(service, "RECORDER", "app", "IMAGE", "registry/recorder", "NAMESPACE", "ns"),
	} {
		objects, err := manifest.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		last := objects[len(objects)-1]
		containers, _, err := unstructured.NestedSlice(last.Object, "spec", "template", "spec", "containers")
		if err != nil || len(containers) != 1 || last.GetName() != "app" || last.GetNamespace() != "ns" {
			t.Errorf("%s: %v: %v", name, last, err)
		}
		if image := containers[0].(map[string]any)["image"]; image != "registry/recorder" {
			t.Errorf("%s: image %v", name, image)
		}
	}
}

func TestReady(t *testing.T) {
	object := func(observed int64, conditions ...any) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"observedGeneration": observed, "conditions": conditions}}}
		o.SetGeneration(2)
		return o
	}
	yes, no := map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "Ready", "status": "False"}
	for _, test := range []struct {
		name string
		o    *unstructured.Unstructured
		ok   bool
	}{
		{"it is", object(2, map[string]any{"type": "Addressable", "status": "False"}, yes), true},
		{"it is not", object(2, no), false},
		{"it was, before the change", object(1, yes), false},
		{"nobody has looked at it", &unstructured.Unstructured{Object: map[string]any{}}, false},
	} {
		if err := ready(test.o); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestProcesses(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "nobody", UID: "0b9e1f5c"}}
	if pid, err := Pid(pod, "receive_adapter"); err == nil {
		t.Errorf("process %d", pid)
	}
	got, err := ProcessStatus(os.Getpid(), "Pid", "Uid")
	if err != nil {
		t.Fatal(err)
	}
	uid := strconv.Itoa(os.Getuid())
	want := map[string]string{"Pid": strconv.Itoa(os.Getpid()), "Uid": strings.Join([]string{uid, uid, uid, uid}, " ")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ProcessStatus(os.Getpid(), "Nothing"); err == nil {
		t.Error("a field that is not there is no error")
	}
	var root unix.Statfs_t
	if err := unix.Statfs("/", &root); err != nil {
		t.Fatal(err)
	}
	if got, want := ReadOnlyRoot(os.Getpid()), root.Flags&unix.ST_RDONLY != 0; got != want {
		t.Errorf("read-only root file system: %v, want %v", got, want)
	}
}

func TestConnectSaysWhatIsMissing(t *testing.T) {
	for _, name := range []string{clusterVariable, toolVariable, recorderVariable} {
		t.Setenv(name, "")
	}
	if _, err := Connect(); err == nil || !strings.Contains(err.Error(), "make e2e") {
		t.Errorf("error %v does not say what to do", err)
	}
	dir := t.TempDir()
	t.Setenv(clusterVariable, dir)
	t.Setenv(toolVariable, "cluster")
	t.Setenv(recorderVariable, "image")
	if _, err := Connect(); err == nil || !strings.Contains(err.Error(), "state.json") {
		t.Errorf("error %v does not name the state", err)
	}
}
