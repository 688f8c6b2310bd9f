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

package v1alpha1

import "strings"

// refusals has a bad value of every field.
func refusals() []refusal {
	return []refusal{
		{
			`{"sink": {"uri": null}}`,
			"nowhere to send to; give a ref, for example {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}, or a uri: spec.sink.ref, spec.sink.uri",
		},
		{
			`{"sink": {"uri": "/ptp"}}`,
			`invalid value: "/ptp": spec.sink.uri` + "\n" +
				"must be an http or https URL with a host, for example https://events.example.com/ptp",
		},
		{
			`{"sink": {"uri": "http://:80"}}`,
			`invalid value: "http://:80": spec.sink.uri` + "\n" +
				"must be an http or https URL with a host, for example https://events.example.com/ptp",
		},
		{
			`{"sink": {"uri": "ftp://user:secret@sink"}}`,
			`invalid value: "ftp://user:xxxxx@sink": spec.sink.uri` + "\n" +
				"must be an http or https URL with a host, for example https://events.example.com/ptp",
		},
		{
			`{"sink": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}}}`,
			`invalid value: "http://sink": spec.sink.uri` + "\n" +
				"must be a path, for example /ptp, because it is added to the address of the ref; or leave the ref out",
		},
		{
			`{"sink": {"uri": "//elsewhere/ptp", "ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}}}`,
			`invalid value: "//elsewhere/ptp": spec.sink.uri` + "\n" +
				"must be a path, for example /ptp, because it is added to the address of the ref; or leave the ref out",
		},
		{
			`{"sink": {"uri": null, "ref": {"apiVersion": "v1", "name": "x"}}}`,
			`invalid value: "": spec.sink.ref.kind` + "\n" +
				"must be a kind, for example Broker",
		},
		{
			`{"sink": {"uri": null, "ref": {"apiVersion": "a/b/c", "kind": "Bro ker", "name": "A", "namespace": "a.b", "group": "g"}}}`,
			`invalid value: "A": spec.sink.ref.name` + "\n" +
				"must be the name of an object, for example default\n" +
				`invalid value: "Bro ker": spec.sink.ref.kind` + "\n" +
				"must be a kind, for example Broker\n" +
				`invalid value: "a.b": spec.sink.ref.namespace` + "\n" +
				"must be the name of a namespace, for example default, or be left out\n" +
				`invalid value: "a/b/c": spec.sink.ref.apiVersion` + "\n" +
				"must be group/version, for example eventing.knative.dev/v1 for a Broker\n" +
				`invalid value: "g": spec.sink.ref.group` + "\n" +
				"is not supported by this version; leave it out and give apiVersion",
		},
		{
			`{"sink": {"CACerts": "x"}}`,
			"invalid value: no certificate in PEM: spec.sink.CACerts\n" +
				"must be certificates in PEM, which begin with -----BEGIN CERTIFICATE-----",
		},
		{
			`{"sink": {"CACerts": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}}`,
			"invalid value: x509: malformed certificate: spec.sink.CACerts\n" +
				"must be certificates in PEM, which begin with -----BEGIN CERTIFICATE-----",
		},
		{
			`{"sink": {"CACerts": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}}`,
			"invalid value: no certificate in PEM: spec.sink.CACerts\n" +
				"must be certificates in PEM, which begin with -----BEGIN CERTIFICATE-----",
		},
		{
			`{"ceOverrides": {"extensions": {"Type": "x"}}}`,
			`invalid key name "Type": spec.ceOverrides.extensions[Type]` + "\n" +
				"it is part of every CloudEvent, which would be broken by another; use another name, for example site",
		},
		{
			`{"ceOverrides": {"extensions": {"data_base64": "x"}}}`,
			`invalid key name "data_base64": spec.ceOverrides.extensions[data_base64]` + "\n" +
				"it is part of every CloudEvent, which would be broken by another; use another name, for example site",
		},
		{
			`{"ceOverrides": {"extensions": {"sequence": "1"}}}`,
			`invalid key name "sequence": spec.ceOverrides.extensions[sequence]` + "\n" +
				"the events say it themselves, and Triggers rely on it; use another name, for example site",
		},
		{
			`{"ceOverrides": {"extensions": {"Site": "1", "a.b": "2", "": "3"}}}`,
			`invalid key name "": spec.ceOverrides.extensions[]` + "\n" +
				"must be 1 to 64 lower-case letters and digits, for example site\n" +
				`invalid key name "Site": spec.ceOverrides.extensions[Site]` + "\n" +
				"must be 1 to 64 lower-case letters and digits, for example site\n" +
				`invalid key name "a.b": spec.ceOverrides.extensions[a.b]` + "\n" +
				"must be 1 to 64 lower-case letters and digits, for example site",
		},
		{
			`{"ceOverrides": {"extensions": {"site": "a\nb"}}}`,
			"invalid value: \"a\\nb\": spec.ceOverrides.extensions[site]\n" +
				"must be text without control characters such as line ends, for example north",
		},
		{
			`{"ceOverrides": {"extensions": {"site": "` + strings.Repeat("ü", 1025) + `"}}}`,
			"invalid value: 1025 characters: spec.ceOverrides.extensions[site]\n" +
				"must have at most 1024 characters, because it becomes an HTTP header",
		},
		{
			`{"delivery": {"deadLetterSink": {}}}`,
			"nowhere to send to; give a ref, for example {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}, or a uri: spec.delivery.deadLetterSink.ref, spec.delivery.deadLetterSink.uri",
		},
		{
			`{"delivery": {"deadLetterSink": {"uri": "ftp://dead", "CACerts": "x"}}}`,
			`invalid value: "ftp://dead": spec.delivery.deadLetterSink.uri` + "\n" +
				"must be an http or https URL with a host, for example https://events.example.com/ptp\n" +
				"invalid value: no certificate in PEM: spec.delivery.deadLetterSink.CACerts\n" +
				"must be certificates in PEM, which begin with -----BEGIN CERTIFICATE-----",
		},
		{
			`{"delivery": {"deadLetterSink": {"ref": {"apiVersion": "a/b/c", "kind": "Bro ker", "name": "A", "namespace": "a.b", "group": "g"}}}}`,
			`invalid value: "A": spec.delivery.deadLetterSink.ref.name` + "\n" +
				"must be the name of an object, for example default\n" +
				`invalid value: "Bro ker": spec.delivery.deadLetterSink.ref.kind` + "\n" +
				"must be a kind, for example Broker\n" +
				`invalid value: "a.b": spec.delivery.deadLetterSink.ref.namespace` + "\n" +
				"must be the name of a namespace, for example default, or be left out\n" +
				`invalid value: "a/b/c": spec.delivery.deadLetterSink.ref.apiVersion` + "\n" +
				"must be group/version, for example eventing.knative.dev/v1 for a Broker\n" +
				`invalid value: "g": spec.delivery.deadLetterSink.ref.group` + "\n" +
				"is not supported by this version; leave it out and give apiVersion",
		},
		{
			`{"delivery": {"retry": -1}}`,
			"invalid value: -1: spec.delivery.retry\n" +
				"must be 0 or more, for example 5; leave it out to try until the sink takes the event",
		},
		{
			`{"delivery": {"timeout": "10"}}`,
			`invalid value: "10": spec.delivery.timeout` + "\n" +
				"must be an ISO 8601 duration, PT0.1S to PT1H, for example PT10S",
		},
		{
			`{"delivery": {"timeout": "PT0S"}}`,
			`invalid value: "PT0S": spec.delivery.timeout` + "\n" +
				"must be an ISO 8601 duration, PT0.1S to PT1H, for example PT10S",
		},
		{
			`{"delivery": {"timeout": "-PT1S"}}`,
			`invalid value: "-PT1S": spec.delivery.timeout` + "\n" +
				"must be an ISO 8601 duration, PT0.1S to PT1H, for example PT10S",
		},
		{
			`{"delivery": {"timeout": "PT1H0.1S", "backoffDelay": "P1Y"}}`,
			`invalid value: "P1Y": spec.delivery.backoffDelay` + "\n" +
				"must be an ISO 8601 duration, PT0.1S to PT1H, for example PT0.5S\n" +
				`invalid value: "PT1H0.1S": spec.delivery.timeout` + "\n" +
				"must be an ISO 8601 duration, PT0.1S to PT1H, for example PT10S",
		},
		{
			`{"delivery": {"backoffPolicy": "cubic"}}`,
			`invalid value: "cubic": spec.delivery.backoffPolicy` + "\n" +
				"must be exponential or linear",
		},
		{
			`{"delivery": {"backoffDelay": "1s"}}`,
			`invalid value: "1s": spec.delivery.backoffDelay` + "\n" +
				"must be an ISO 8601 duration, PT0.1S to PT1H, for example PT0.5S",
		},
		{
			`{"delivery": {"retryAfterMax": "PT1H0.1S"}}`,
			`invalid value: "PT1H0.1S": spec.delivery.retryAfterMax` + "\n" +
				"must be an ISO 8601 duration, at most PT1H, for example PT1M; PT0S does not obey Retry-After at all",
		},
		{
			`{"delivery": {"retryAfterMax": "-PT1S"}}`,
			`invalid value: "-PT1S": spec.delivery.retryAfterMax` + "\n" +
				"must be an ISO 8601 duration, at most PT1H, for example PT1M; PT0S does not obey Retry-After at all",
		},
		{
			`{"delivery": {"retryAfterMax": "1m"}}`,
			`invalid value: "1m": spec.delivery.retryAfterMax` + "\n" +
				"must be an ISO 8601 duration, at most PT1H, for example PT1M; PT0S does not obey Retry-After at all",
		},
		{
			`{"delivery": {"backlog": "Latest"}}`,
			`invalid value: "Latest": spec.delivery.backlog` + "\n" +
				"must be All or LatestPerResource",
		},
		{
			`{"delivery": {"format": "json"}}`,
			`invalid value: "json": spec.delivery.format` + "\n" +
				"is not supported by this version, which sends in binary mode; leave it out",
		},
		{
			`{"nodeSelector": {"a b": "c"}}`,
			`invalid key name "a b": spec.nodeSelector[a b]` + "\n" +
				"must be the name of a label, for example ptp or example.com/ptp",
		},
		{
			`{"nodeSelector": {"example.com/a": "-"}}`,
			`invalid value: "-": spec.nodeSelector[example.com/a]` + "\n" +
				"must be at most 63 letters, digits, -, _ and ., with a letter or digit first and last, for example grandmaster",
		},
		{
			`{"tolerations": [{"operator": "Exists"}, {"key": "a b"}]}`,
			`invalid value: "a b": spec.tolerations[1].key` + "\n" +
				"must be the key of a taint, for example node-role.kubernetes.io/control-plane",
		},
		{
			`{"tolerations": [{}]}`,
			`invalid value: "": spec.tolerations[0].operator` + "\n" +
				"must be Exists when there is no key, which tolerates every taint",
		},
		{
			`{"tolerations": [{"key": "a", "operator": "In"}]}`,
			`invalid value: "In": spec.tolerations[0].operator` + "\n" +
				"must be Exists, Equal, Lt or Gt, for example Exists",
		},
		{
			`{"tolerations": [{"key": "a", "value": "b c"}]}`,
			`invalid value: "b c": spec.tolerations[0].value` + "\n" +
				"must be the value of a taint: at most 63 letters, digits, -, _ and ., for example true",
		},
		{
			`{"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}`,
			`invalid value: "b": spec.tolerations[0].value` + "\n" +
				"must be left out with operator Exists, which looks at the key alone",
		},
		{
			`{"tolerations": [{"key": "a", "operator": "Gt", "value": "b"}]}`,
			`invalid value: "b": spec.tolerations[0].value` + "\n" +
				"must be a whole number with operator Gt, for example 10",
		},
		{
			`{"tolerations": [{"key": "a", "effect": "Evict"}]}`,
			`invalid value: "Evict": spec.tolerations[0].effect` + "\n" +
				"must be NoSchedule, PreferNoSchedule or NoExecute, or be left out to tolerate all three",
		},
		{
			`{"tolerations": [{"key": "a", "tolerationSeconds": 5}]}`,
			"invalid value: 5: spec.tolerations[0].tolerationSeconds\n" +
				"must go with effect NoExecute, or be left out to stay for ever",
		},
		{
			`{"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}`,
			`invalid value: "2Gi": spec.resources.requests[memory]` + "\n" +
				"must be at most the limit, which is 1Gi",
		},
		{
			`{"resources": {"requests": {"cpu": "-1"}}}`,
			`invalid value: "-1": spec.resources.requests[cpu]` + "\n" +
				"must be 0 or more, for example 64Mi of memory",
		},
		{
			`{"resources": {"limits": {"mem": "1Gi", "a b": 1}}}`,
			`invalid key name "a b": spec.resources.limits[a b]` + "\n" +
				"must be a resource of a container, for example cpu, memory or example.com/ptp\n" +
				`invalid key name "mem": spec.resources.limits[mem]` + "\n" +
				"must be a resource of a container, for example cpu, memory or example.com/ptp",
		},
		{
			`{"resources": {"claims": [{"name": "ptp"}]}}`,
			`invalid value: "ptp": spec.resources.claims[0]` + "\n" +
				"is not supported by this version, whose adapters have no resource claims; leave it out",
		},
		{
			`{"priorityClassName": "High"}`,
			`invalid value: "High": spec.priorityClassName` + "\n" +
				"must be the name of a PriorityClass, for example system-node-critical",
		},
		{
			`{"linuxptp": {"socketDirectory": "/"}}`,
			`invalid value: "/": spec.linuxptp.socketDirectory` + "\n" +
				"must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"socketDirectory": "run"}}`,
			`invalid value: "run": spec.linuxptp.socketDirectory` + "\n" +
				"must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"socketDirectory": "/var/run/ptp/../.."}}`,
			`invalid value: "/var/run/ptp/../..": spec.linuxptp.socketDirectory` + "\n" +
				"must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"socketDirectory": "/run:rw"}}`,
			`invalid value: "/run:rw": spec.linuxptp.socketDirectory` + "\n" +
				"must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"socketDirectory": "/var/run/ptp\n", "sockets": ["ptp4l\u0000"]}}`,
			`invalid value: "/var/run/ptp\n": spec.linuxptp.socketDirectory` + "\n" +
				"must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example /var/run/ptp\n" +
				`invalid value: "ptp4l\x00": spec.linuxptp.sockets[0]` + "\n" +
				"must be the name of a socket in socketDirectory, without a directory, for example ptp4l*",
		},
		{
			`{"linuxptp": {"socketDirectory": "/` + strings.Repeat("a", 76) + `"}}`,
			`invalid value: "/` + strings.Repeat("a", 76) + `": spec.linuxptp.socketDirectory` + "\n" +
				"must have at most 76 bytes, because ptp4l answers to a socket in it, whose path has at most 107; for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"socketDirectory": "/` + strings.Repeat("a", 75) + `", "sockets": ["` + strings.Repeat("b", 31) + `"]}}`,
			`invalid value: "` + strings.Repeat("b", 31) + `": spec.linuxptp.sockets[0]` + "\n" +
				"must have at most 107 bytes together with its directory, like every path of a socket; for example ptp4l",
		},
		{
			`{"linuxptp": {"socketDirectory": "/dev/shm"}}`,
			`invalid value: "/dev/shm": spec.linuxptp.socketDirectory` + "\n" +
				"must not be in /proc, /sys or /dev, where ptp4l has no sockets; for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"socketDirectory": "/etc/ptp"}}`,
			`invalid value: "/etc/ptp": spec.linuxptp.socketDirectory` + "\n" +
				"must not be mounted there, where the adapter has files of its own (/etc, /ko-app, /knative-custom-certs, /run/secrets, /var/lib/eventing-ptp, /var/run/secrets); let ptp4l have its sockets elsewhere, for example in /var/run/ptp",
		},
		{
			`{"linuxptp": {"mountPath": "/run/"}}`,
			`invalid value: "/run/": spec.linuxptp.mountPath` + "\n" +
				"must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"mountPath": "/proc"}}`,
			`invalid value: "/proc": spec.linuxptp.mountPath` + "\n" +
				"must not be in /proc, /sys or /dev, where ptp4l has no sockets; for example /var/run/ptp",
		},
		{
			`{"linuxptp": {"mountPath": "/var/run/secrets"}}`,
			`invalid value: "/var/run/secrets": spec.linuxptp.mountPath` + "\n" +
				"must not be mounted there, where the adapter has files of its own (/etc, /ko-app, /knative-custom-certs, /run/secrets, /var/lib/eventing-ptp, /var/run/secrets); let ptp4l have its sockets elsewhere, for example in /var/run/ptp",
		},
		{
			`{"linuxptp": {"mountPath": "/knative-custom-certs/a"}}`,
			`invalid value: "/knative-custom-certs/a": spec.linuxptp.mountPath` + "\n" +
				"must not be mounted there, where the adapter has files of its own (/etc, /ko-app, /knative-custom-certs, /run/secrets, /var/lib/eventing-ptp, /var/run/secrets); let ptp4l have its sockets elsewhere, for example in /var/run/ptp",
		},
		{
			`{"linuxptp": {"sockets": ["ptp4l["]}}`,
			`invalid value: "ptp4l[": spec.linuxptp.sockets[0]` + "\n" +
				"must be a pattern in which every [ has its ], for example ptp4l.[0-9].socket",
		},
		{
			`{"linuxptp": {"sockets": ["ptp4l", "../docker.sock", "..", ""]}}`,
			`invalid value: "": spec.linuxptp.sockets[3]` + "\n" +
				"must be the name of a socket in socketDirectory, without a directory, for example ptp4l*\n" +
				`invalid value: "..": spec.linuxptp.sockets[2]` + "\n" +
				"must be the name of a socket in socketDirectory, without a directory, for example ptp4l*\n" +
				`invalid value: "../docker.sock": spec.linuxptp.sockets[1]` + "\n" +
				"must be the name of a socket in socketDirectory, without a directory, for example ptp4l*",
		},
		{
			`{"linuxptp": {"sockets": ["ptp4l", "ptp4l"]}}`,
			`invalid value: "ptp4l": spec.linuxptp.sockets[1]` + "\n" +
				"must be there only once; leave this one out",
		},
		{
			`{"linuxptp": {"domain": 256}}`,
			"invalid value: 256: spec.linuxptp.domain\n" +
				"must be 0 to 255, for example 24",
		},
		{
			`{"linuxptp": {"transportSpecific": -1}}`,
			"invalid value: -1: spec.linuxptp.transportSpecific\n" +
				"must be 0 to 15, for example 1 for gPTP",
		},
		{
			`{"linuxptp": {"group": 0}}`,
			"invalid value: 0: spec.linuxptp.group\n" +
				"must be 1 to 2147483647, for example 2000; 0 would be root's: leave it out for that",
		},
		{
			`{"linuxptp": {"group": 2147483648}}`,
			"invalid value: 2147483648: spec.linuxptp.group\n" +
				"must be 1 to 2147483647, for example 2000; 0 would be root's: leave it out for that",
		},
		{
			`{"hardwareClock": {"enabled": true, "privileged": true, "resourceName": "example.com/ptp"}}`,
			"two ways to the same clocks; keep resourceName, which gives less away, or privileged: spec.hardwareClock.privileged, spec.hardwareClock.resourceName",
		},
		{
			`{"hardwareClock": {"enabled": true, "resourceName": "ptp"}}`,
			`invalid value: "ptp": spec.hardwareClock.resourceName` + "\n" +
				"must be the name of a device plugin's resource with its domain, for example squat.ai/ptp",
		},
		{
			`{"hardwareClock": {"privileged": true}}`,
			"invalid value: true: spec.hardwareClock.privileged\n" +
				"is of no use while the clocks are not watched; set enabled: true or leave it out",
		},
		{
			`{"hardwareClock": {"resourceName": "example.com/ptp"}}`,
			`invalid value: "example.com/ptp": spec.hardwareClock.resourceName` + "\n" +
				"is of no use while the clocks are not watched; set enabled: true or leave it out",
		},
		{
			`{"gnss": {"enabled": true, "gpsd": "localhost"}}`,
			`invalid value: "localhost": spec.gnss.gpsd` + "\n" +
				"must be host:port, for example localhost:2947",
		},
		{
			`{"gnss": {"gpsd": "local host:2947"}}`,
			`invalid value: "local host:2947": spec.gnss.gpsd` + "\n" +
				"must be host:port, for example localhost:2947",
		},
		{
			`{"gnss": {"gpsd": "localhost:0"}}`,
			`invalid value: "localhost:0": spec.gnss.gpsd` + "\n" +
				"must be host:port, for example localhost:2947",
		},
		{
			`{"gnss": {"gpsd": "localhost:gpsd"}}`,
			`invalid value: "localhost:gpsd": spec.gnss.gpsd` + "\n" +
				"must be host:port, for example localhost:2947",
		},
		{
			`{"thresholds": {"lockOffset": "0s"}}`,
			"invalid value: 0s: spec.thresholds.lockOffset\n" +
				"must be 1ns to 1s, for example 100ns",
		},
		{
			`{"thresholds": {"lockOffset": "100s"}}`,
			"invalid value: 1m40s: spec.thresholds.lockOffset\n" +
				"must be 1ns to 1s, for example 100ns",
		},
		{
			`{"thresholds": {"unlockOffset": "-1ns"}}`,
			"invalid value: -1ns: spec.thresholds.unlockOffset\n" +
				"must be 1ns to 1s, for example 200ns",
		},
		{
			`{"thresholds": {"lockOffset": "1us", "unlockOffset": "500ns"}}`,
			"invalid value: 500ns: spec.thresholds.unlockOffset\n" +
				"must be at least lockOffset (1µs), or a clock could be locked and unlocked by the same sample; for example 2µs",
		},
		{
			`{"thresholds": {"lockSamples": 0}}`,
			"invalid value: 0: spec.thresholds.lockSamples\n" +
				"must be 1 to 1000, for example 3",
		},
		{
			`{"thresholds": {"unlockSamples": 1001}}`,
			"invalid value: 1001: spec.thresholds.unlockSamples\n" +
				"must be 1 to 1000, for example 3",
		},
		{
			`{"thresholds": {"holdoverTimeout": "-1s"}}`,
			"invalid value: -1s: spec.thresholds.holdoverTimeout\n" +
				"must be 0s to 672h0m0s, for example 5s",
		},
		{
			`{"thresholds": {"syncIntervals": 1}}`,
			"invalid value: 1: spec.thresholds.syncIntervals\n" +
				"must be 2 to 1000, for example 4, because one late Sync is no silence",
		},
		{
			`{"thresholds": {"syncTimeout": "0s"}}`,
			"invalid value: 0s: spec.thresholds.syncTimeout\n" +
				"must be 1ms to 1h0m0s, for example 500ms",
		},
		{
			`{"thresholds": {"osClockTimeout": "2s"}}`,
			"invalid value: 2s: spec.thresholds.osClockTimeout\n" +
				"must be 3s to 8h0m0s, for example 5s",
		},
		{
			`{"thresholds": {"osClockOffset": "0s"}}`,
			"invalid value: 0s: spec.thresholds.osClockOffset\n" +
				"must be 1ns to 1s, for example 1us",
		},
		{
			`{"thresholds": {"maxPathDelay": "-1us"}}`,
			"invalid value: -1µs: spec.thresholds.maxPathDelay\n" +
				"must be 1ns to 1s, for example 1ms",
		},
		{
			`{"hardwareClock": {"enabled": true, "pollInterval": "49ms"}}`,
			"invalid value: 49ms: spec.hardwareClock.pollInterval\n" +
				"must be 50ms to 1m0s, for example 1s",
		},
		{
			`{"events": {"types": ["com.github.eventing-ptp.hardware-clock.stepped"]}}`,
			`invalid value: "com.github.eventing-ptp.hardware-clock.stepped": spec.events.types[0]` + "\n" +
				"is never sent while the clock is not watched; set spec.hardwareClock.enabled: true or leave it out",
		},
		{
			`{"osClock": {"fedBy": "gps"}}`,
			`invalid value: "gps": spec.osClock.fedBy` + "\n" +
				"must be ptp or other",
		},
		{
			`{"osClock": {"enabled": true, "chronyd": "localhost"}}`,
			`invalid value: "localhost": spec.osClock.chronyd` + "\n" +
				"must be host:port, for example localhost:323",
		},
		{
			`{"osClock": {"chronyd": "[::1]:323"}}`,
			`invalid value: "[::1]:323": spec.osClock.chronyd` + "\n" +
				"is of no use while the clock is not watched; set enabled: true or leave it out",
		},
		{
			`{"osClock": {"fedBy": "other"}, "events": {"types": ["event.sync.ptp-status.ptp-state-change", "event.sync.sync-status.os-clock-sync-state-change"]}}`,
			`invalid value: "event.sync.sync-status.os-clock-sync-state-change": spec.events.types[1]` + "\n" +
				"is never sent while the clock is not watched; set spec.osClock.enabled: true or leave it out",
		},
		{
			`{"events": {"types": ["com.github.eventing-ptp.os-clock.stepped"]}}`,
			`invalid value: "com.github.eventing-ptp.os-clock.stepped": spec.events.types[0]` + "\n" +
				"is never sent while the clock is not watched; set spec.osClock.enabled: true or leave it out",
		},
		{
			`{"gnss": {"gpsd": "localhost:2947"}, "events": {"types": ["event.sync.gnss-status.gnss-state-change"]}}`,
			`invalid value: "event.sync.gnss-status.gnss-state-change": spec.events.types[0]` + "\n" +
				"is never sent while the clock is not watched; set spec.gnss.enabled: true or leave it out",
		},
		{
			`{"synce": {}, "events": {"types": ["event.sync.synce-status.synce-state-change"]}}`,
			`invalid value: "event.sync.synce-status.synce-state-change": spec.events.types[0]` + "\n" +
				"is never sent while the clock is not watched; set spec.synce.enabled: true or leave it out",
		},
		{
			`{"events": {"types": ["event.sync.synce-status.synce-clock-quality-change"]}}`,
			`invalid value: "event.sync.synce-status.synce-clock-quality-change": spec.events.types[0]` + "\n" +
				"is never sent while the clock is not watched; set spec.synce.enabled: true or leave it out",
		},
		{
			`{"synce": {"enabled": true, "synce4l": {"socket": "/run/synce4l", "devices": []}}}`,
			`invalid value: "": spec.synce.synce4l.devices` + "\n" +
				"must name at least one device of synce4l's configuration, for example synce1\n" +
				`invalid value: "/run/synce4l": spec.synce.synce4l.socket` + "\n" +
				"must be the name of synce4l's socket in spec.linuxptp.socketDirectory, without a directory; for example synce4l",
		},
		{
			`{"synce": {"enabled": true, "synce4l": {"socket": "s", "devices": ["<synce1>", "a", "a"]}}}`,
			`invalid value: "<synce1>": spec.synce.synce4l.devices[0]` + "\n" +
				"must be the name of a device of synce4l's configuration, 1 to 15 characters without the angle brackets; for example synce1\n" +
				`invalid value: "a": spec.synce.synce4l.devices[2]` + "\n" +
				"must be there only once; leave this one out",
		},
		{
			`{"synce": {"enabled": true}, "linuxptp": {"group": 2000}}`,
			"invalid value: true: spec.synce.enabled\n" +
				"needs CAP_NET_ADMIN, which adapters that run in spec.linuxptp.group cannot have; leave one of the two out",
		},
		{
			`{"events": {"types": ["event.sync.ptp-status.ptp-state"]}}`,
			`invalid value: "event.sync.ptp-status.ptp-state": spec.events.types[0]` + "\n" +
				"must be one of event.sync.ptp-status.ptp-state-change, event.sync.ptp-status.ptp-clock-class-change, event.sync.sync-status.synchronization-state-change, event.sync.sync-status.os-clock-sync-state-change, event.sync.gnss-status.gnss-state-change, event.sync.synce-status.synce-state-change, event.sync.synce-status.synce-clock-quality-change, com.github.eventing-ptp.os-clock.stepped, com.github.eventing-ptp.hardware-clock.stepped, com.github.eventing-ptp.daemon-state.changed, com.github.eventing-ptp.grandmaster.changed, com.github.eventing-ptp.port-state.changed, com.github.eventing-ptp.leap-second.changed, com.github.eventing-ptp.path-delay-state.changed, com.github.eventing-ptp.events.lost",
		},
		{
			`{"events": {"types": ["event.sync.sync-status.synce-state-change"]}}`,
			`invalid value: "event.sync.sync-status.synce-state-change": spec.events.types[0]` + "\n" +
				"must be one of event.sync.ptp-status.ptp-state-change, event.sync.ptp-status.ptp-clock-class-change, event.sync.sync-status.synchronization-state-change, event.sync.sync-status.os-clock-sync-state-change, event.sync.gnss-status.gnss-state-change, event.sync.synce-status.synce-state-change, event.sync.synce-status.synce-clock-quality-change, com.github.eventing-ptp.os-clock.stepped, com.github.eventing-ptp.hardware-clock.stepped, com.github.eventing-ptp.daemon-state.changed, com.github.eventing-ptp.grandmaster.changed, com.github.eventing-ptp.port-state.changed, com.github.eventing-ptp.leap-second.changed, com.github.eventing-ptp.path-delay-state.changed, com.github.eventing-ptp.events.lost",
		},
		{
			`{"events": {"types": ["event.sync.ptp-status.ptp-state-change", "event.sync.ptp-status.ptp-state-change"]}}`,
			`invalid value: "event.sync.ptp-status.ptp-state-change": spec.events.types[1]` + "\n" +
				"must be there only once; leave this one out",
		},
		{
			`{"events": {"sourceFormat": "short"}}`,
			`invalid value: "short": spec.events.sourceFormat` + "\n" +
				"must be full or oran",
		},
		{
			`{"events": {"reassertEvery": "59s"}}`,
			"invalid value: 59s: spec.events.reassertEvery\n" +
				"must be 1m0s to 24h0m0s, for example 5m; leave it out to send changes alone",
		},
		{
			`{"events": {"reassertEvery": "24h1s"}}`,
			"invalid value: 24h0m1s: spec.events.reassertEvery\n" +
				"must be 1m0s to 24h0m0s, for example 5m; leave it out to send changes alone",
		},
		{
			`{"ceOverrides": {"extensions": {"ptpskipped": "1", "traceparent": "2"}}}`,
			`invalid key name "ptpskipped": spec.ceOverrides.extensions[ptpskipped]` + "\n" +
				"the events say it themselves, and Triggers rely on it; use another name, for example site\n" +
				`invalid key name "traceparent": spec.ceOverrides.extensions[traceparent]` + "\n" +
				"the events say it themselves, and Triggers rely on it; use another name, for example site",
		},
		{
			`{"events": {"clusterName": "a/b"}}`,
			`invalid value: "a/b": spec.events.clusterName` + "\n" +
				"must be one part of a resource address: at most 63 letters, digits, -, _ and ., with a letter or digit first and last, and not node or sync; for example site-7",
		},
		{
			`{"events": {"clusterName": "node"}}`,
			`invalid value: "node": spec.events.clusterName` + "\n" +
				"must be one part of a resource address: at most 63 letters, digits, -, _ and ., with a letter or digit first and last, and not node or sync; for example site-7",
		},
		{
			`{"events": {"clusterName": ".."}}`,
			`invalid value: "..": spec.events.clusterName` + "\n" +
				"must be one part of a resource address: at most 63 letters, digits, -, _ and ., with a letter or digit first and last, and not node or sync; for example site-7",
		},
		{
			`{"history": {"entries": 0}}`,
			"invalid value: 0: spec.history.entries\n" +
				"must be 1 to 1000000, for example 100000",
		},
		{
			`{"history": {"entries": 1000001}}`,
			"invalid value: 1000001: spec.history.entries\n" +
				"must be 1 to 1000000, for example 100000",
		},
		{
			`{"history": {"storage": "Disk"}}`,
			`invalid value: "Disk": spec.history.storage` + "\n" +
				"must be HostPath, EmptyDir or Memory",
		},
		{
			`{"history": {"maxBytes": "1023Ki"}}`,
			`invalid value: "1023Ki": spec.history.maxBytes` + "\n" +
				"must be 1Mi to 16Gi, for example 64Mi",
		},
		{
			`{"history": {"maxBytes": "17Gi"}}`,
			`invalid value: "17Gi": spec.history.maxBytes` + "\n" +
				"must be 1Mi to 16Gi, for example 64Mi",
		},
		{
			`{"history": {"maxAge": "59s"}}`,
			"invalid value: 59s: spec.history.maxAge\n" +
				"must be 1m0s to 8760h0m0s, for example 168h",
		},
		{
			`{"history": {"maxAge": "8761h"}}`,
			"invalid value: 8761h0m0s: spec.history.maxAge\n" +
				"must be 1m0s to 8760h0m0s, for example 168h",
		},
		{
			`{"oCloud": {"port": 80}}`,
			"invalid value: 80: spec.oCloud.port\n" +
				"must be 1024 to 65535, for example 9043",
		},
		{
			`{"oCloud": {"maxSubscriptions": 0}}`,
			"invalid value: 0: spec.oCloud.maxSubscriptions\n" +
				"must be 1 to 10000, for example 1024",
		},
		{
			`{"oCloud": {"auth": "Basic"}}`,
			`invalid value: "Basic": spec.oCloud.auth` + "\n" +
				"must be None, ServiceAccount or ClientCertificate",
		},
		{
			`{"oCloud": {"endpoints": "All"}}`,
			`invalid value: "All": spec.oCloud.endpoints` + "\n" +
				"must be Localhost, Cluster or Any",
		},
		{
			`{"oCloud": {"allowedNetworks": ["192.0.2.1/24"]}}`,
			`invalid value: "192.0.2.1/24": spec.oCloud.allowedNetworks[0]` + "\n" +
				"must be a network, for example 192.0.2.0/24 or 2001:db8::/32",
		},
		{
			`{"oCloud": {"tlsSecretName": "A"}}`,
			`invalid value: "A": spec.oCloud.tlsSecretName` + "\n" +
				"must be the name of a secret, for example ocloud-tls",
		},
		{
			`{"oCloud": {"auth": "ServiceAccount"}}`,
			"auth ServiceAccount needs tlsSecretName: tokens must not be sent in clear text: spec.oCloud.tlsSecretName",
		},
		{
			`{"oCloud": {"auth": "ClientCertificate"}}`,
			"auth ClientCertificate needs tlsSecretName, a secret that has the authority of the clients as ca.crt, too: spec.oCloud.tlsSecretName",
		},
		{
			`{"oCloud": {"removeAfter": "59s"}}`,
			"invalid value: 59s: spec.oCloud.removeAfter\n" +
				"must be 1m to 8760h, for example 168h, or 0s (never)",
		},
	}
}
