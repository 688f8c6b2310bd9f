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
	"encoding/base64"
	"fmt"
	"path/filepath"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/machine"
)

// NodeMachine writes the files of a node and says what it runs.
func (c Cluster) NodeMachine(n Node) (machine.Spec, error) {
	if err := n.Validate(); err != nil {
		return machine.Spec{}, err
	}
	if err := c.writeNode(n); err != nil {
		return machine.Spec{}, err
	}
	containerd := machine.Program{
		Name: "containerd", Path: "/usr/bin/containerd", Args: []string{"--config=" + etc("containerd.toml")},
		Log: filepath.Join(Home, "log", "containerd.log"), Socket: containerdSocket,
	}
	spec := c.spec(n.Name,
		containerd, // first: a kubelet without it ends
		c.program("kubelet", "--config="+etc("kubelet.yaml"), "--kubeconfig="+etc("kubelet.kubeconfig"),
			"--hostname-override="+n.Name, "--node-ip="+n.IP().String()),
		c.program("kube-proxy", "--kubeconfig="+etc("kube-proxy.kubeconfig"), "--hostname-override="+n.Name,
			"--proxy-mode=nftables", "--cluster-cidr="+podRange, "--conntrack-max-per-core=0", // that sysctl is the machine's
			"--metrics-bind-address=127.0.0.1:10249"),
	)
	home := c.dir(n.Name)
	for _, b := range []machine.Bind{
		{Source: "ptp", Target: "/run/ptp"},
		{Source: "data", Target: "/var/lib"}, // over a file system that takes an overlay, and kept while it has no power
		{Source: "log", Target: "/var/log"},
	} {
		spec.Binds = append(spec.Binds, machine.Bind{Source: filepath.Join(home, b.Source), Target: b.Target})
	}
	return spec, nil
}

const containerdSocket = "/run/containerd/containerd.sock"

func (c Cluster) writeNode(n Node) error {
	if err := c.Prepare(n.Name); err != nil {
		return err
	}
	kubelet, err := c.kubeconfig("https://"+API, "system:node:"+n.Name, "system:nodes")
	if err != nil {
		return err
	}
	proxy, err := c.kubeconfig("https://"+API, "system:kube-proxy", "")
	if err != nil {
		return err
	}
	return c.write(n.Name, map[string]string{
		"ca.crt":                                string(c.Authority.PEM()),
		"kubelet.kubeconfig":                    kubelet,
		"kube-proxy.kubeconfig":                 proxy,
		"kubelet.yaml":                          c.kubelet(n),
		"containerd.toml":                       c.containerd(),
		"cni/10-bridge.conflist":                fmt.Sprintf(bridgeConfig, n.pods()),
		"certs.d/" + c.Registry + "/hosts.toml": fmt.Sprintf(hostsConfig, ControlAddress, c.RegistryPort),
		"resolv.conf":                           "", // there is no other name server
	})
}

// hostsConfig lets containerd find the registry, which is called otherwise on the outside.
const hostsConfig = `[host."http://%s:%d"]
  capabilities = ["pull", "resolve"]
`

// bridgeConfig is of CNI's plugins bridge and portmap. Pods are reached at their own addresses, from everywhere.
const bridgeConfig = `{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni0",
      "isGateway": true,
      "ipMasq": false,
      "hairpinMode": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{"subnet": "%s"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`

func (c Cluster) containerd() string {
	return fmt.Sprintf(`version = 2

[grpc]
  address = %q

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  restrict_oom_score_adj = %t

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = %q

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = %q
`, containerdSocket, c.Sandbox, c.KeepOOMScores, etc("cni"), etc("certs.d"))
}

func (c Cluster) kubelet(n Node) string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %s}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
# Every kubelet removes what it does not know below its root, so each has its own.
cgroupRoot: %s
failCgroupV1: false
containerRuntimeEndpoint: unix://%s
clusterDNS: [%s]
clusterDomain: %s
resolvConf: %s
volumePluginDir: /var/lib/kubelet/volume-plugins
failSwapOn: false
# The disk is the machine's, and it is for others to say when it is full.
evictionHard: {}
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
enforceNodeAllocatable: []
nodeStatusUpdateFrequency: 4s
nodeLeaseDurationSeconds: 12
serializeImagePulls: false
maxPods: 200
`, etc("ca.crt"), c.Group.Below(n.Name), containerdSocket, DNSAddress, domain, etc("resolv.conf"))
}

// Kubeconfig returns a kubeconfig for who may do everything.
func (c Cluster) Kubeconfig(server string) (string, error) {
	return c.kubeconfig(server, "admin", "system:masters")
}

func (c Cluster) kubeconfig(server, user, group string) (string, error) {
	pair, err := c.Authority.Client(user, group)
	if err != nil {
		return "", err
	}
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: eventing-ptp
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %s
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: eventing-ptp
  context: {cluster: eventing-ptp, user: %s}
current-context: eventing-ptp
`, server, encode(c.Authority.PEM()), user, encode(pair.Certificate), encode(pair.Key), user), nil
}
