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
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// Recorder is the application that events are for.
type Recorder struct {
	// Name is that of its Service.
	Name string
	// Ref is what a sink refers to.
	Ref duckv1.KReference
	// Host is its name in the cluster.
	Host string

	room     *Room
	selector string // of its pod
	rules    ledger.Rules
	*taken
}

// taken is what a recorder has taken, as far as it was read.
type taken struct {
	mu       sync.Mutex
	instance string
	entries  []ledger.Entry
	before   []ledger.Entry // of another recorder that this one carries on from
}

// In returns the recorder for another test, in the same room.
func (rec *Recorder) In(room *Room) *Recorder {
	other := *rec
	other.room = room
	return &other
}

// container is a recorder as a namespace takes it that is restricted.
const container = `
      - name: recorder
        image: IMAGE
        ports: [{containerPort: 8080}]
        securityContext:
          allowPrivilegeEscalation: false
          runAsNonRoot: true
          capabilities: {drop: [ALL]}
          seccompProfile: {type: RuntimeDefault}`

// deployment runs a recorder, which is reached under the name of a Service.
const deployment = `
apiVersion: v1
kind: Service
metadata: {name: RECORDER, namespace: NAMESPACE}
spec:
  selector: {app: RECORDER}
  ports:
    - {name: http, port: 80, targetPort: 8080}
    - {name: https, port: 443, targetPort: 8443}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: RECORDER, namespace: NAMESPACE}
spec:
  replicas: 1
  selector: {matchLabels: {app: RECORDER}}
  template:
    metadata: {labels: {app: RECORDER}}
    spec:
      enableServiceLinks: false
      automountServiceAccountToken: false
      containers:` + container + `
        args: ARGS
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: tls, mountPath: /tls}]
      volumes: [{name: tls, secret: {secretName: RECORDER-tls, optional: true}}]
`

// service runs a recorder as a Knative Service, with one instance all the time.
const service = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: RECORDER
  namespace: NAMESPACE
  labels: {networking.knative.dev/visibility: cluster-local}
spec:
  template:
    metadata:
      annotations: {autoscaling.knative.dev/min-scale: "1", autoscaling.knative.dev/max-scale: "1"}
    spec:
      containers:` + container + "\n"

// StartRecorder starts a recorder: a Deployment with a Service. It does not wait.
func (r *Room) StartRecorder(name string) *Recorder {
	r.Helper()
	return r.startRecorder(name, "[]")
}

// StartTLSRecorder starts one that listens for https too, with the Secret NAME-tls.
func (r *Room) StartTLSRecorder(name string) *Recorder {
	r.Helper()
	return r.startRecorder(name, "[-tls, /tls]")
}

func (r *Room) startRecorder(name, args string) *Recorder {
	r.Helper()
	r.Apply(replace(deployment, "RECORDER", name, "ARGS", args, "IMAGE", r.recorderImage))
	return r.addRecorder(name, "v1", "app="+name)
}

// StartService starts a recorder as a Knative Service. It does not wait.
func (r *Room) StartService(name string) *Recorder {
	r.Helper()
	r.Apply(replace(service, "RECORDER", name, "IMAGE", r.recorderImage))
	return r.addRecorder(name, "serving.knative.dev/v1", "serving.knative.dev/service="+name)
}

func (r *Room) addRecorder(name, apiVersion, selector string) *Recorder {
	rec := &Recorder{
		Name: name, Host: name + "." + r.Namespace + ".svc.cluster.local",
		Ref:  duckv1.KReference{APIVersion: apiVersion, Kind: "Service", Name: name},
		room: r, selector: selector, taken: &taken{},
	}
	r.recorders = append(r.recorders, rec)
	return rec
}

// Rules says what may be asked of what it takes, where that is less than everything.
func (rec *Recorder) Rules(rules ledger.Rules) *Recorder {
	rec.rules = rules
	return rec
}

// Read returns everything that it has taken so far. Unlike Entries it gives up at once.
func (rec *Recorder) Read(ctx context.Context) ([]ledger.Entry, error) { return rec.update(ctx, 0) }

// CarriesOn has the recorder's book begin with what another one has taken.
func (rec *Recorder) CarriesOn(from *Recorder) {
	from.mu.Lock()
	defer from.mu.Unlock()
	rec.before = slices.Clone(from.entries)
}

// pod returns the name of its pod.
func (rec *Recorder) pod(ctx context.Context) (string, error) {
	list, err := rec.room.Kube.CoreV1().Pods(rec.room.Namespace).List(ctx, metav1.ListOptions{LabelSelector: rec.selector})
	if err != nil {
		return "", err
	}
	for _, p := range list.Items {
		if p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil {
			return p.Name, nil
		}
	}
	return "", fmt.Errorf("none of %d pods of %s runs", len(list.Items), rec.Name)
}

// controlPort is where a recorder answers questions.
const controlPort = "8090"

// update fetches what is new, waiting for it a while, and returns everything.
func (rec *Recorder) update(ctx context.Context, wait time.Duration) ([]ledger.Entry, error) {
	pod, err := rec.pod(ctx)
	if err != nil {
		return nil, err
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	text, err := rec.room.Kube.CoreV1().RESTClient().Get().Namespace(rec.room.Namespace).Resource("pods").Name(pod+":"+controlPort).
		SubResource("proxy").Suffix("entries").Param("after", strconv.Itoa(len(rec.entries))).Param("wait", wait.String()).DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Instance string
		Entries  []ledger.Entry
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if rec.instance = cmp.Or(rec.instance, answer.Instance); rec.instance != answer.Instance {
		return nil, fmt.Errorf("the recorder %s was started again: what it had taken is lost", rec.Name)
	}
	rec.entries = append(rec.entries, answer.Entries...)
	return slices.Clone(rec.entries), nil
}

// last returns up to n entries that are known.
func (rec *Recorder) last(n int) []ledger.Entry {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.entries[max(0, len(rec.entries)-n):])
}

// Entries returns everything that it has taken so far.
func (rec *Recorder) Entries() []ledger.Entry {
	rec.room.Helper()
	var entries []ledger.Entry
	rec.room.Eventually("what "+rec.Name+" has taken", func(ctx context.Context) (err error) {
		entries, err = rec.update(ctx, 0)
		return err
	})
	return entries
}

// Ready waits until it answers.
func (rec *Recorder) Ready() *Recorder {
	rec.room.Helper()
	rec.Entries()
	return rec
}

// Behave changes how an inbox answers, for a number of requests or, with 0, all to come.
func (rec *Recorder) Behave(inbox string, status int, delay time.Duration, times int) {
	rec.room.Helper()
	body, err := json.Marshal(map[string]any{"inbox": inbox, "status": status, "delay": delay.Milliseconds(), "times": times})
	if err != nil {
		rec.room.Fatal(err)
	}
	rec.room.Eventually("another behaviour of "+rec.Name, func(ctx context.Context) error {
		pod, err := rec.pod(ctx)
		if err != nil {
			return err
		}
		return rec.room.Kube.CoreV1().RESTClient().Put().Namespace(rec.room.Namespace).Resource("pods").Name(pod + ":" + controlPort).
			SubResource("proxy").Suffix("behaviour").Body(body).Do(ctx).Error()
	})
}

// Expect waits until the recorder has taken an event that was observed after a time and is as
// wanted, and returns the first one.
func (rec *Recorder) Expect(after time.Time, want Event) ledger.Entry {
	rec.room.Helper()
	return rec.await(fmt.Sprintf("%s to take %v", rec.Name, want), func(e ledger.Entry) bool {
		return e.Taken() && e.Event.Time().After(after) && want.matches(e)
	})
}

// ExpectTry waits until the recorder has answered a request so, which came after a time with an
// event that is as wanted, and returns the first one.
func (rec *Recorder) ExpectTry(after time.Time, status int, want Event) ledger.Entry {
	rec.room.Helper()
	return rec.await(fmt.Sprintf("%s to answer %d to %v", rec.Name, status, want), func(e ledger.Entry) bool {
		return e.Status == status && e.Arrived.After(after) && want.matches(e)
	})
}

// longPoll is how long a recorder waits for something to tell.
const longPoll = 2 * time.Second

func (rec *Recorder) await(what string, match func(ledger.Entry) bool) (found ledger.Entry) {
	rec.room.Helper()
	rec.room.Eventually(what, func(ctx context.Context) error {
		entries, err := rec.update(ctx, longPoll)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(entries, match)
		if i < 0 {
			return fmt.Errorf("none of %d", len(entries))
		}
		found = entries[i]
		return nil
	})
	return found
}
