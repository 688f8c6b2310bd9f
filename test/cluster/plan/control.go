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

package plan

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/test/pki"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/machine"
)

// ControlMachine writes the files of the machine with the control plane and says what it runs.
func (c Cluster) ControlMachine() (machine.Spec, error) {
	if err := c.writeControl(); err != nil {
		return machine.Spec{}, err
	}
	return c.spec(Control,
		c.program("etcd", etcd()...),
		c.program("kube-apiserver", apiserver()...),
		c.program("kube-controller-manager", controllerManager()...),
		c.program("kube-scheduler", scheduler()...),
	), nil
}

func (c Cluster) writeControl() error {
	if err := c.Prepare(Control); err != nil {
		return err
	}
	dir := filepath.Join(c.dir(Control), "etc")
	server, err := c.Authority.Server("kube-apiserver",
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + domain},
		[]net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(ControlAddress), net.ParseIP(apiAddress)})
	if err != nil {
		return err
	}
	toKubelet, err := c.Authority.Client("kube-apiserver-kubelet-client", "system:masters")
	if err != nil {
		return err
	}
	front, err := c.Authority.Client("front-proxy", "")
	if err != nil {
		return err
	}
	files := map[string]string{"ca.crt": string(c.Authority.PEM())}
	for _, user := range []string{"system:kube-controller-manager", "system:kube-scheduler"} {
		name := strings.TrimPrefix(user, "system:")
		if files[name+".kubeconfig"], err = c.kubeconfig("https://"+API, user, ""); err != nil {
			return err
		}
	}
	return errors.Join(
		c.write(Control, files),
		server.Write(dir, "apiserver"), toKubelet.Write(dir, "to-kubelet"), front.Write(dir, "front"),
		pki.WriteServiceAccountKey(dir),
		os.MkdirAll(filepath.Join(c.dir(Control), "data"), 0o700))
}

func etcd() []string {
	const clients, peers = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
	return []string{
		"--data-dir=" + filepath.Join(Home, "data", "etcd"),
		"--unsafe-no-fsync", // what is lost with the machine's power is built again
		"--listen-client-urls=" + clients, "--advertise-client-urls=" + clients,
		"--listen-peer-urls=" + peers, "--initial-advertise-peer-urls=" + peers, "--initial-cluster=default=" + peers,
		"--log-level=warn",
	}
}

func apiserver() []string {
	return []string{
		"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=0.0.0.0", "--secure-port=6443", "--advertise-address=" + ControlAddress,
		"--client-ca-file=" + etc("ca.crt"),
		"--tls-cert-file=" + etc("apiserver.crt"), "--tls-private-key-file=" + etc("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc." + domain,
		"--service-account-key-file=" + etc("sa.pub"), "--service-account-signing-key-file=" + etc("sa.key"),
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
		"--kubelet-client-certificate=" + etc("to-kubelet.crt"), "--kubelet-client-key=" + etc("to-kubelet.key"),
		"--kubelet-preferred-address-types=InternalIP", // nobody resolves the names of nodes
		"--requestheader-client-ca-file=" + etc("ca.crt"), "--requestheader-allowed-names=front-proxy",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + etc("front.crt"), "--proxy-client-key-file=" + etc("front.key"),
		// Webhooks are called at their pods: no kube-proxy translates the addresses of Services on this machine.
		"--enable-aggregator-routing=true",
		"--profiling=false",
	}
}

func controllerManager() []string {
	kubeconfig := etc("kube-controller-manager.kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--service-account-private-key-file=" + etc("sa.key"), "--root-ca-file=" + etc("ca.crt"),
		"--use-service-account-credentials=true",
		"--allocate-node-cidrs=false", // each node's network has its number in it
		// A node that has lost its power is noticed within seconds, as a test wants it.
		"--node-monitor-grace-period=20s", "--node-monitor-period=2s",
		"--profiling=false",
	}
}

func scheduler() []string {
	kubeconfig := etc("kube-scheduler.kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--profiling=false",
	}
}
