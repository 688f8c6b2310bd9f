//go:build lab

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

package installation_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
	"github.com/eventing-ptp/eventing-ptp/test/pki"
)

// servicesOf returns the Services of a source's nodes, by node.
func servicesOf(ctx context.Context, s *v1alpha1.PtpSource) (map[string]corev1.Service, error) {
	list, err := cluster.Client().CoreV1().Services(installation.Adapters).List(ctx, metav1.ListOptions{
		LabelSelector: "ptpsource.sources.knative.dev/node,ptpsource.sources.knative.dev/uid=" + string(s.UID),
	})
	if err != nil {
		return nil, err
	}
	services := map[string]corev1.Service{}
	for _, service := range list.Items {
		services[service.Annotations["ptpsource.sources.knative.dev/node-name"]] = service
	}
	return services, nil
}

// leadsTo returns the pods that a Service finds.
func leadsTo(ctx context.Context, service corev1.Service) ([]corev1.Pod, error) {
	list, err := cluster.Client().CoreV1().Pods(installation.Adapters).List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String()})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Each node has a Service that finds its adapter and no other, for as long as there is the
// node, and somebody who wants it.
func TestServicesOfNodes(t *testing.T) {
	r := newRoom(t, 3)
	r.broker()
	s := r.source("served")
	s.Spec.OCloud = &v1alpha1.OCloud{Enabled: true, PerNodeServices: true}
	r.create(s)
	s = r.ready("served")
	var services map[string]corev1.Service
	lead := func(nodes ...string) {
		t.Helper()
		eventually(t, "the Services of the nodes", func(ctx context.Context) error {
			var err error
			if services, err = servicesOf(ctx, s); err != nil {
				return err
			}
			if len(services) != len(nodes) {
				return fmt.Errorf("%d Services, want those of %q", len(services), nodes)
			}
			for _, node := range nodes {
				service := services[node]
				if want := "ptp-event-publisher-service-" + node; service.Name != want {
					return fmt.Errorf("that of node %s is called %q, want %q", node, service.Name, want)
				}
				pods, err := leadsTo(ctx, service)
				if err != nil {
					return err
				}
				if len(pods) != 1 || pods[0].Spec.NodeName != node || pods[0].DeletionTimestamp != nil {
					return fmt.Errorf("%s leads to %d pods", service.Name, len(pods))
				}
			}
			return nil
		})
	}
	lead(r.nodes...)
	if policy := services[r.nodes[0]].Spec.InternalTrafficPolicy; policy == nil || *policy != corev1.ServiceInternalTrafficPolicyCluster {
		t.Errorf("the policy is %v", policy)
	}

	// As docs/ocloud.md has it.
	shown := kubectl(t, "-n", installation.Adapters, "get", "services", "-l", "ptpsource.sources.knative.dev/node", "-L", "ptpsource.sources.knative.dev/node")
	for _, node := range r.nodes {
		if !regexp.MustCompile(`(?m)^ptp-event-publisher-service-` + node + ` .* ` + node + `$`).MatchString(shown) {
			t.Errorf("kubectl does not show which Service is that of %s:\n%s", node, shown)
		}
	}

	// An adapter is replaced: its Service leads to the new one, under the same address.
	before := services[r.nodes[0]]
	pods, err := leadsTo(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Client().CoreV1().Pods(installation.Adapters).Delete(t.Context(), pods[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another adapter behind the Service", func(ctx context.Context) error {
		now, err := leadsTo(ctx, before)
		if err == nil && (len(now) != 1 || now[0].UID == pods[0].UID) {
			err = fmt.Errorf("there are %d", len(now))
		}
		return err
	})
	lead(r.nodes...)
	if after := services[r.nodes[0]]; after.UID != before.UID || after.Spec.ClusterIP != before.Spec.ClusterIP || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the Service was %s at %s and is %s at %s", before.UID, before.Spec.ClusterIP, after.UID, after.Spec.ClusterIP)
	}

	// Another source cannot have the same Services, and says so; its adapters run all the same.
	other := r.source("second")
	other.Spec.OCloud = &v1alpha1.OCloud{Enabled: true, PerNodeServices: true}
	r.create(other)
	other = r.waitFor("second", want{v1alpha1.ConditionDeployed, isFalse, v1alpha1.ReasonServiceFailed, "exists and is not of this PtpSource"})
	r.daemonSet(other, "a DaemonSet", environment("NAME", "second"))
	lead(r.nodes...)
	r.change("second", func(s *v1alpha1.PtpSource) { s.Spec.OCloud.PerNodeServices = false })
	r.ready("second")

	// A node leaves, and what Kubernetes does a minute after that is done at once: nobody ends a
	// pod that has no node any more, so it is removed.
	left, err := leadsTo(t.Context(), services[r.nodes[2]])
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Client().CoreV1().Nodes().Delete(t.Context(), r.nodes[2], metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, pod := range left {
		now := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}
		if err := cluster.Client().CoreV1().Pods(pod.Namespace).Delete(t.Context(), pod.Name, now); err != nil {
			t.Fatal(err)
		}
	}
	lead(r.nodes[:2]...)

	r.change("served", func(s *v1alpha1.PtpSource) { s.Spec.OCloud.PerNodeServices = false })
	lead()
	r.change("served", func(s *v1alpha1.PtpSource) { s.Spec.OCloud.PerNodeServices = true })
	lead(r.nodes[:2]...)
	if err := r.sources().Delete(t.Context(), "served", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone(t, "the source", func(ctx context.Context) error {
		_, err := r.sources().Get(ctx, "served", metav1.GetOptions{})
		return err
	})
	lead()
}

// With auth ServiceAccount the API server itself says who a client is, and what that one may:
// to an adapter that runs as such adapters do, of clients with the Role that docs/ocloud.md has.
func TestWhoMaySubscribe(t *testing.T) {
	r := newRoom(t, 0)
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "../../cmd/receive_adapter").CombinedOutput(); err != nil {
		t.Fatalf("build the adapter: %v: %s", err, out)
	}
	page, err := os.ReadFile("../../docs/ocloud.md")
	if err != nil {
		t.Fatal(err)
	}
	role := regexp.MustCompile("(?s)```yaml\n(apiVersion: rbac.*?)```").FindSubmatch(page)
	if role == nil {
		t.Fatal("docs/ocloud.md has no Role")
	}
	const binding = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: consumers, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: ocloud-consumer}
subjects: [{kind: ServiceAccount, name: anna, namespace: NAMESPACE}, {kind: ServiceAccount, name: bert, namespace: NAMESPACE}]
`
	for _, text := range []string{strings.Replace(string(role[1]), "namespace: default", "namespace: "+r.namespace, 1), strings.ReplaceAll(binding, "NAMESPACE", r.namespace)} {
		if err := cluster.ApplyYAML(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	tokens := map[string]string{"nobody": "made-up"}
	for _, name := range []string{"anna", "bert", "stranger"} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := cluster.Client().CoreV1().ServiceAccounts(r.namespace).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		config, err := cluster.ConfigFor(t.Context(), r.namespace, name)
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = config.BearerToken
	}

	certificate, key, err := cluster.ServerCertificate()
	if err == nil {
		err = pki.Pair{Certificate: certificate, Key: key}.Write(dir, "tls")
	}
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := cluster.Kubeconfig(t.Context(), installation.Adapters, "eventing-ptp-adapter-reviewer")
	if err != nil {
		t.Fatal(err)
	}
	const address = "127.0.0.1:19043"
	adapter := exec.Command(filepath.Join(dir, "receive_adapter"), "-sink", "http://127.0.0.1:1", "-node", "n1", "-socket", dir+"/*.socket", "-health", "")
	adapter.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "NAMESPACE="+r.namespace, "NAME=fleet", "PROFILING_PORT=0",
		fmt.Sprintf(`K_SOURCE_CONFIG={"oCloud":{"enabled":true,"address":%q,"auth":"ServiceAccount","endpoints":"Localhost","tls":{"certificate":"%s/tls.crt","key":"%s/tls.key"}}}`, address, dir, dir))
	program, err := cluster.Run("receive_adapter", adapter)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := program.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})

	listener, err := cluster.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	taken := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), ReadHeaderTimeout: patience}
	go func() { _ = taken.Serve(listener) }()
	t.Cleanup(func() { _ = taken.Close() })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://127.0.0.1:" + port

	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cluster.CA())
	transport := &http.Transport{DialContext: cluster.Dial, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	do := func(who, method, path, body string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, "https://"+address+"/ocloudNotifications/v2/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+tokens[who])
		response, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	eventually(t, "an adapter that answers", func(context.Context) error {
		if status, text := do("anna", "GET", "health", ""); status != http.StatusOK {
			log, _ := os.ReadFile(program.Log())
			return fmt.Errorf("%d %s\n%s", status, text, log[max(0, len(log)-2000):])
		}
		return nil
	})
	var annas string
	for _, step := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"nobody", "GET", "subscriptions", "", 401},
		{"stranger", "GET", "subscriptions", "", 403},
		{"stranger", "POST", "subscriptions", endpoint, 403},
		{"anna", "GET", "subscriptions", "", 200},
		{"anna", "POST", "subscriptions", endpoint, 201},
		{"bert", "DELETE", "subscriptions/ANNAS", "", 403},
		{"bert", "DELETE", "subscriptions", "", 204}, // all that is bert's
		{"bert", "GET", "subscriptions/ANNAS", "", 200},
		{"bert", "DELETE", "subscriptions?all=true", "", 403},
		{"anna", "DELETE", "subscriptions/ANNAS", "", 204},
	} {
		if step.body != "" {
			step.body = fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, step.body)
		}
		status, text := do(step.who, step.method, strings.Replace(step.path, "ANNAS", annas, 1), step.body)
		if status != step.status {
			t.Errorf("%s: %s %s: %d %s, want %d", step.who, step.method, step.path, status, text, step.status)
		}
		if status == http.StatusCreated {
			annas = strings.Split(text, `"`)[3] // {"SubscriptionId":"...
		}
	}
}
