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

// Package diagnosis finds out why nothing is seen of clocks: it looks at the whole way from
// the installation to the Triggers, and says what is wrong and what to do.
package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/reach"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// Level is how bad something is.
type Level string

// The levels.
const (
	// OK is as it should be.
	OK Level = "ok"
	// Unclear could not be looked at, or is nobody's fault.
	Unclear Level = "unclear"
	// Wrong is why nothing may be seen.
	Wrong Level = "wrong"
)

// The reasons of findings, in CamelCase. docs/troubleshooting.md has a paragraph for each. A
// condition of a PtpSource that is not True is a finding with the reason of that condition.
const (
	NotInstalled       = "NotInstalled"
	WorkloadUnreadable = "WorkloadUnreadable"
	WorkloadNotReady   = "WorkloadNotReady"
	NoSource           = "NoSource"
	SpecNotObserved    = "SpecNotObserved"
	SinkUnreadable     = "SinkUnreadable"
	SinkNotReady       = "SinkNotReady"
	AdaptersUnreadable = "AdaptersUnreadable"
	NoAdapterOnNode    = "NoAdapterOnNode"
	AdapterSilent      = "AdapterSilent"
	NoPtp4l            = "NoPtp4l"
	Ptp4lDown          = "Ptp4lDown"
	SyncSilent         = "SyncSilent"
	ClockNotLocked     = "ClockNotLocked"
	OSClockNotLocked   = "OSClockNotLocked"
	TriggersUnreadable = "TriggersUnreadable"
	NoTrigger          = "NoTrigger"
	TriggerNotReady    = "TriggerNotReady"
	TriggerNeverPasses = "TriggerNeverPasses"
	TriggerUnforeseen  = "TriggerUnforeseen"
)

// Finding is one thing that was looked at.
type Finding struct {
	Level Level `json:"level"`
	// Reason is by what docs/troubleshooting.md explains it; empty for what is as it should be.
	Reason string `json:"reason,omitempty"`
	// About is what was looked at, and Text what was seen.
	About string `json:"about"`
	Text  string `json:"text"`
	// Remedy is what to do about it; empty where there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
}

// Facts are what was found in a cluster. Where something could not be looked at, the error
// says why.
type Facts struct {
	// Kind is why the kind PtpSource is not there; nil if it is.
	Kind error
	// Workloads are the Deployments of the controller and the webhook.
	Workloads []Workload
	Sources   []Source
	// Node is the only one that is looked at; empty for all.
	Node string
}

// Workload is a Deployment.
type Workload struct {
	Name           string
	Ready, Desired int32
	Err            error
}

// Source is a PtpSource, and what belongs to it.
type Source struct {
	*v1alpha1.PtpSource
	Adapters    []cluster.State
	AdaptersErr error
	// Sink is the object that the sink refers to; nil where that is a URL.
	Sink *Object
	// Triggers are those of its Broker.
	Triggers    []eventingv1.Trigger
	TriggersErr error
}

// Object is something that can be ready.
type Object struct {
	Kind, Name string
	// Ready is its condition; nil for a kind that has none.
	Ready *apis.Condition
	Err   error
}

// findings collects.
type findings []Finding

func (f *findings) ok(about, text string, args ...any) {
	*f = append(*f, Finding{Level: OK, About: about, Text: fmt.Sprintf(text, args...)})
}

func (f *findings) unclear(reason, about string, err error, remedy string) {
	*f = append(*f, Finding{Level: Unclear, Reason: reason, About: about, Text: err.Error(), Remedy: remedy})
}

func (f *findings) wrong(reason, about, text, remedy string) {
	*f = append(*f, Finding{Level: Wrong, Reason: reason, About: about, Text: text, Remedy: remedy})
}

// rights is what to do where something may not be looked at.
const rights = "an administrator can bind the roles eventing-ptp-cli to you (docs/cli.md)"

// Diagnose says what the facts mean.
func Diagnose(facts Facts) []Finding {
	var f findings
	if facts.Kind != nil {
		f.wrong(NotInstalled, "kind PtpSource", facts.Kind.Error(), "install eventing-ptp: docs/install.md")
		return f
	}
	f.ok("kind PtpSource", "is installed")
	for _, w := range facts.Workloads {
		about := "Deployment " + w.Name
		switch {
		case w.Err != nil:
			f.unclear(WorkloadUnreadable, about, w.Err, rights)
		case w.Ready == 0:
			f.wrong(WorkloadNotReady, about, fmt.Sprintf("none of its %d replicas is ready", w.Desired), "see why: kubectl -n knative-eventing describe deployment "+w.Name)
		default:
			f.ok(about, "%d of %d replicas are ready", w.Ready, w.Desired)
		}
	}
	if len(facts.Sources) == 0 {
		f.wrong(NoSource, "PtpSources", "there is none", "make one: create NAME --sink broker:default")
	}
	for _, s := range facts.Sources {
		s.diagnose(&f, facts.Node)
	}
	return f
}

// Trouble is whether anything is wrong.
func Trouble(all []Finding) bool {
	return slices.ContainsFunc(all, func(f Finding) bool { return f.Level == Wrong })
}

func (s Source) name() string { return s.Namespace + "/" + s.Name }

func (s Source) diagnose(f *findings, node string) {
	if s.Status.ObservedGeneration != s.Generation {
		f.wrong(SpecNotObserved, "PtpSource "+s.name(), "the controller has not looked at its present spec", "see whether the controller runs: kubectl -n knative-eventing get pods")
	}
	conditions := slices.Clone([]apis.Condition(s.Status.Conditions))
	slices.SortFunc(conditions, func(a, b apis.Condition) int { return cmp.Compare(a.Type, b.Type) })
	for _, c := range conditions {
		if c.Type != v1alpha1.ConditionReady && c.Status != corev1.ConditionTrue {
			f.wrong(c.Reason, "PtpSource "+s.name(), fmt.Sprintf("%s is %s (%s): %s", c.Type, c.Status, c.Reason, c.Message), remedies[c.Reason])
		}
	}
	if s.Status.IsReady() {
		f.ok("PtpSource "+s.name(), "is Ready on %d of %d nodes", s.Status.Nodes.Ready, s.Status.Nodes.Desired)
	}
	s.sink(f)
	s.adapters(f, node)
	s.triggers(f, node)
}

func (s Source) sink(f *findings) {
	if s.Sink == nil {
		return
	}
	about := fmt.Sprintf("sink %s %s", s.Sink.Kind, s.Sink.Name)
	switch r := s.Sink.Ready; {
	case s.Sink.Err != nil:
		f.unclear(SinkUnreadable, about, s.Sink.Err, "see whether it is there, and whether you may read it")
	case r == nil:
		f.ok(about, "is there")
	case r.Status != corev1.ConditionTrue:
		f.wrong(SinkNotReady, about, fmt.Sprintf("is not Ready (%s): %s", r.Reason, r.Message),
			fmt.Sprintf("see why: kubectl describe %s %s", strings.ToLower(s.Sink.Kind), s.Sink.Name))
	default:
		f.ok(about, "is Ready")
	}
}

func (s Source) adapters(f *findings, node string) {
	if s.AdaptersErr != nil {
		f.unclear(AdaptersUnreadable, "adapters of "+s.name(), s.AdaptersErr, rights)
		return
	}
	if len(s.Adapters) == 0 && node != "" {
		f.wrong(NoAdapterOnNode, "node "+node, "no adapter of "+s.name()+" runs there",
			"compare the node's labels and taints with spec.nodeSelector, spec.affinity and spec.tolerations: kubectl describe node "+node)
	}
	for _, a := range s.Adapters {
		about := fmt.Sprintf("adapter of %s on %s", s.name(), a.Node)
		if a.Err != nil {
			f.wrong(AdapterSilent, about, "does not answer: "+a.Err.Error(), fmt.Sprintf("see its log: kubectl -n %s logs %s", cluster.DefaultNamespace, a.Pod))
			continue
		}
		before := len(*f)
		s.clocks(f, a)
		if len(*f) == before {
			f.ok(about, "%s", summary(a.State))
		}
	}
}

// summary says how the clocks of a node are.
func summary(state *stream.State) string {
	var all []string
	for _, i := range state.Instances {
		all = append(all, i.Name+" is "+i.State)
	}
	return strings.Join(all, ", ")
}

// clocks says what is wrong with the clocks of a node.
func (s Source) clocks(f *findings, a cluster.State) {
	directory := s.Spec.Linuxptp.SocketDirectory
	if len(a.State.Instances) == 0 {
		f.wrong(NoPtp4l, "node "+a.Node, fmt.Sprintf("no ptp4l was found: no socket in %s is called %s", directory, strings.Join(s.Spec.Linuxptp.Sockets, " or ")),
			"start ptp4l there with uds_address in that directory, or say where with spec.linuxptp")
		return
	}
	for _, i := range a.State.Instances {
		about := fmt.Sprintf("clock %s on %s", i.Name, a.Node)
		switch {
		case !i.Up:
			f.wrong(Ptp4lDown, about, "ptp4l does not answer on its socket in "+directory, "start ptp4l, or see its log; the adapter's log says what it has tried: docs/troubleshooting.md#ptp4l-cannot-be-read")
		case i.Silent:
			f.wrong(SyncSilent, about, "its port is SLAVE, and no Sync arrives", "look at the grandmaster, and at the network between it and the node")
		case i.State != "LOCKED":
			f.wrong(ClockNotLocked, about, fmt.Sprintf("is %s (%s)%s", i.State, i.Reason, evidence(i, a.State.Thresholds)), clockRemedies[i.Reason])
		}
	}
	if c := a.State.OSClock; c != nil && c.State != "LOCKED" {
		f.wrong(OSClockNotLocked, "OS clock on "+a.Node, fmt.Sprintf("is %s (%s)", c.State, c.Reason), clockRemedies[c.Reason])
	}
}

// evidence says by what a clock was judged.
func evidence(i stream.Instance, t stream.Thresholds) string {
	var all []string
	if i.OffsetNanoseconds != nil {
		all = append(all, fmt.Sprintf("offset %dns, lockOffset %s", *i.OffsetNanoseconds, t.LockOffset))
	}
	for _, p := range i.Ports {
		all = append(all, fmt.Sprintf("port %d is %s", p.Number, p.State))
	}
	if all == nil {
		return ""
	}
	return ": " + strings.Join(all, ", ")
}

// triggers says which Triggers never let anything through.
func (s Source) triggers(f *findings, only string) {
	if s.Sink == nil || s.Sink.Kind != "Broker" {
		return
	}
	about := "Triggers of Broker " + s.Sink.Name
	if s.TriggersErr != nil {
		f.unclear(TriggersUnreadable, about, s.TriggersErr, rights)
		return
	}
	if len(s.Triggers) == 0 {
		f.wrong(NoTrigger, about, "there is none: nobody gets the events", "make one: samples/01-quick-start has an example")
	}
	var nodes []reach.Node
	for _, a := range s.Adapters {
		n := reach.Node{Name: a.Node, Instances: []string{"ptp4l"}}
		if a.State != nil && len(a.State.Instances) > 0 {
			n.Instances = nil
			for _, i := range a.State.Instances {
				n.Instances = append(n.Instances, i.Name)
			}
		}
		nodes = append(nodes, n)
	}
	for n := range s.Triggers {
		t := &s.Triggers[n]
		about := fmt.Sprintf("Trigger %s/%s", t.Namespace, t.Name)
		if c := condition(t.Status.Conditions, apis.ConditionReady); c != nil && c.Status != corev1.ConditionTrue {
			f.wrong(TriggerNotReady, about, fmt.Sprintf("is not Ready (%s): %s", c.Reason, c.Message), fmt.Sprintf("see why: kubectl -n %s describe trigger %s", t.Namespace, t.Name))
		}
		if len(nodes) == 0 || only != "" { // nothing can be said without all nodes
			continue
		}
		switch verdict, why := reach.Judge(t, s.PtpSource, nodes); verdict {
		case reach.Never:
			f.wrong(TriggerNeverPasses, about, "its filter can never match: "+why, fmt.Sprintf("correct it: kubectl -n %s edit trigger %s; docs/events.md has all attributes", t.Namespace, t.Name))
		case reach.Unknown:
			f.unclear(TriggerUnforeseen, about, fmt.Errorf("%s", why), "see the events that come: the command events shows them")
		case reach.Passes:
			f.ok(about, "its filter can match events of %s", s.name())
		}
	}
}

func condition(all duckv1.Conditions, kind apis.ConditionType) *apis.Condition {
	for n := range all {
		if all[n].Type == kind {
			return &all[n]
		}
	}
	return nil
}

// remedies are what to do about the reasons of conditions, in short; docs/troubleshooting.md
// has more.
var remedies = map[string]string{
	v1alpha1.ReasonSinkNotFound:           "create the sink, or correct spec.sink: update NAME --sink ...",
	v1alpha1.ReasonSinkEmpty:              "see why the sink is not ready, for example with kubectl describe broker",
	v1alpha1.ReasonDeadLetterSinkNotFound: "create the dead letter sink, or correct spec.delivery.deadLetterSink",
	v1alpha1.ReasonPrivilegedNotAllowed:   "use a device plugin (--hardware-clock-resource), or have an administrator set allow-privileged in config-ptp",
	v1alpha1.ReasonHostNetworkNotAllowed:  "leave out gnss, synce and osClock.chronyd, or have an administrator set allow-host-network in config-ptp",
	v1alpha1.ReasonSocketDirNotAllowed:    "move ptp4l's socket with uds_address, or have an administrator add its directory to allowed-socket-directories in config-ptp",
	v1alpha1.ReasonJournalDirNotAllowed:   "leave spec.history.storage out, or have an administrator name a journal-directory in config-ptp",
	v1alpha1.ReasonThresholdsOutOfOrder:   "set both thresholds that the message names",
	v1alpha1.ReasonOIDCIdentityFailed:     "the message names the object: delete it if it belongs to somebody else, or compare the controller's rights with config/",
	v1alpha1.ReasonTrustBundlesFailed:     "the message names the config map",
	v1alpha1.ReasonServiceFailed:          "the message says why; if its name is taken by the Service of another source, rename one of the two",
	v1alpha1.ReasonDaemonSetFailed:        "the message says why: a missing namespace, a quota, an admission webhook, or a name that is taken",
	v1alpha1.ReasonDaemonSetUpdating:      "wait; if it stays so, see whether kube-controller-manager runs",
	v1alpha1.ReasonWaiting:                "see what is said about the sink",
	v1alpha1.ReasonPaused:                 "let it go on: update NAME --paused=false",
	v1alpha1.ReasonNoMatchingNodes:        "compare spec.nodeSelector, spec.affinity and spec.tolerations with the labels and taints of the nodes",
	v1alpha1.ReasonAdaptersStarting:       "wait; if it stays so, look at the pods: kubectl -n " + cluster.DefaultNamespace + " get pods",
	v1alpha1.ReasonAdapterFailing:         "the message names the first node, and what it says: an image that cannot be pulled, no room, or a crash",
	v1alpha1.ReasonNotYetSupported:        "what is enabled is watched by a later version; leave it out until then",
	v1alpha1.ReasonNotConfigured:          "nothing: it was not asked for",
	v1alpha1.ReasonOIDCDisabled:           "nothing: it was not asked for",
}

// clockRemedies are what to do about the reasons of clocks.
var clockRemedies = map[string]string{
	"OffsetInRange":    "wait: it has to be so for lockSamples in a row",
	"OffsetOutOfRange": "with software timestamps raise the thresholds: update NAME --lock-offset 20us --unlock-offset 50us",
	"PortNotSlave":     "see what ptp4l says about its port: pmc -u -b 0 'GET PORT_DATA_SET' on the node; link, domain and grandmaster are the usual causes",
	"SyncSilent":       "look at the grandmaster, and at the network between it and the node",
	"DaemonDown":       "start ptp4l, or see its log",
	"HoldoverExpired":  "the source did not come back: look at the grandmaster, and at the network between it and the node",
	"GrandmasterClass": "the clock is grandmaster itself and says by its class that it is not synchronised: look at its reference, such as GNSS",
	"NoInstance":       "start ptp4l, or say with spec.linuxptp where its socket is",
	"NotDisciplined":   "start phc2sys or chronyd on the node; where an NTP daemon disciplines the clock, --os-clock-fed-by other and a longer --os-clock-timeout",
	"ClockUnreadable":  "let the seccomp profile of the adapters allow adjtimex",
	"GNSSFix":          "nothing: the receiver has a full fix",
	"GNSSNoFix":        "give the antenna a free view of the sky, and the receiver some minutes",
	"AntennaFault":     "look at the antenna and its cable",
	"ReceiverSilent":   "see whether the receiver speaks: gpsmon on the node",
	"ReceiverGone":     "plug the receiver in, and see the log of gpsd",
	"DPLLLockStatus":   "see what the kernel says of the DPLL and its inputs: the signal, or the link that SyncE comes from, is the usual cause",
	"DPLLGone":         "see the kernel's log: its driver was unloaded, or the card is gone",
	"DPLLUnreadable":   "let adapters have NET_ADMIN on the node's network, and see whether the kernel has DPLLs at all",
}
