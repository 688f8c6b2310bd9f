module github.com/eventing-ptp/eventing-ptp

go 1.26.0

require (
	github.com/cloudevents/sdk-go/v2 v2.16.1
	github.com/fsnotify/fsnotify v1.9.0
	github.com/google/go-cmp v0.7.0
	github.com/kelseyhightower/envconfig v1.4.0
	go.uber.org/zap v1.28.0
	golang.org/x/sys v0.47.0
	k8s.io/client-go v0.35.7
	knative.dev/eventing v0.50.0
	knative.dev/pkg v0.0.0-20260727151759-521cb33b33dd
	sigs.k8s.io/yaml v1.6.0
)
