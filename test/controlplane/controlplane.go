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

// Package controlplane runs a real Kubernetes control plane for tests: etcd, API
// server, scheduler, and those controllers that need no kubelet. Nodes are objects
// without a machine; this package plays their kubelets.
//
// Everything runs in a network namespace of its own, where programs under test can
// be started, too, so several control planes do not see each other and no port of
// the machine is used. Nothing outlives the process that started it, not even after
// kill -9: the kernel ends the programs, and the next control plane removes the
// directory.
//
// It needs root on Linux, and builds its programs from Go modules the first time.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/eventing-ptp/eventing-ptp/test/apply"
	"github.com/eventing-ptp/eventing-ptp/test/kube"
	"github.com/eventing-ptp/eventing-ptp/test/pki"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// Address is that of the machine in the control plane's network namespace. What
// listens there, or on all addresses, can be the endpoint of a Service. All of
// 192.0.2.0/24 leads to the same place.
const Address = "192.0.2.1"

const (
	serverURL    = "https://127.0.0.1:6443"
	podAddress   = "10.244.0.1"
	serviceRange = "10.96.0.0/16"
	firstService = "10.96.0.1" // of the Service kubernetes
)

// startTimeout is how long the programs may take to be ready, once they are built:
// far longer than it takes.
const startTimeout = 2 * time.Minute

// dirPrefix begins the name of the directory of every control plane.
const dirPrefix = "eventing-ptp-controlplane-"

// controllers run. Left out are those that would miss kubelets (node-lifecycle taints
// nodes that do not report), and those of kinds that the project has no objects of.
var controllers = []string{
	"clusterrole-aggregation-controller",
	"daemonset-controller",
	"garbage-collector-controller",
	"namespace-controller",
	"pod-garbage-collector-controller",
	"root-ca-certificate-publisher-controller",
	"serviceaccount-controller",
}

// Options say how to start a control plane. The zero value is fine.
type Options struct {
	// Progress, if not nil, is told what takes long.
	Progress io.Writer
	// Kinds are files and directories whose CustomResourceDefinitions exist before the
	// controllers start. The garbage collector learns of later ones only after up to 40 s,
	// and leaves what their objects own alone until then.
	Kinds []string
}

// ControlPlane is a running control plane. Its methods may be called from several
// goroutines.
type ControlPlane struct {
	binaries  string
	dir       *sandbox.Dir
	namespace *sandbox.Namespace
	authority *pki.Authority
	config    *rest.Config

	client  kubernetes.Interface
	dynamic dynamic.Interface
	applier *apply.Applier
	kubelet *kubelet

	mu       sync.Mutex
	servers  []*Program     // the control plane's own
	programs []*Program     // all
	names    map[string]int // how many files and programs were called so
	nodes    int            // how many were added

	close func() error // tearDown, once
}

// Start starts a control plane and returns when its API server is ready and its
// controllers work. ctx bounds the start only. If a program gets nowhere, the error
// quotes its log. The caller must Close it.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	binaries, err := kube.Programs(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	return start(ctx, binaries, o.Kinds)
}

// start starts the programs in a directory.
func start(ctx context.Context, binaries string, kinds []string) (*ControlPlane, error) {
	c := &ControlPlane{binaries: binaries, names: map[string]int{}}
	c.close = sync.OnceValue(c.tearDown)
	if err := c.start(ctx, kinds); err != nil {
		return nil, errors.Join(fmt.Errorf("start the control plane: %w", err), c.Close())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context, kinds []string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if c.dir, err = sandbox.MakeTempDir(os.TempDir(), dirPrefix); err != nil {
		return err
	}
	if c.namespace, err = sandbox.NewNamespace(); err != nil {
		return fmt.Errorf("%w: it takes root with CAP_SYS_ADMIN and CAP_NET_ADMIN: use sudo, or a privileged container", err)
	}
	// An alias, because an interface has one address in netdevice(7). Class C, so that
	// its prefix is 24 bits long; on the loopback interface all of it is local.
	if err := c.namespace.SetAddress("lo:1", [4]byte(net.ParseIP(Address).To4())); err != nil {
		return err
	}
	// Class A, so that the addresses of all pods lead here, too (see kubelet.address).
	if err := c.namespace.SetAddress("lo:2", [4]byte(net.ParseIP(podAddress).To4())); err != nil {
		return err
	}
	if err := c.writeCredentials(); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	if _, err := c.runServer(c.etcd()); err != nil {
		return err
	}
	apiserver, err := c.runServer(c.apiserver())
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, "the API server", c.serverReady); err != nil {
		return fmt.Errorf("%w; %s", err, apiserver.lastWords())
	}
	if err := c.applyKinds(ctx, kinds); err != nil {
		return err
	}
	manager, err := c.runServer(c.controllerManager())
	if err != nil {
		return err
	}
	if _, err := c.runServer(c.scheduler()); err != nil {
		return err
	}
	if c.kubelet, err = startKubelet(c.client); err != nil {
		return err
	}
	if err := c.Wait(ctx, "the controllers", c.controllersReady); err != nil {
		return fmt.Errorf("%w; %s", err, manager.lastWords())
	}
	return nil
}

// writeCredentials writes certificates, keys and the administrator's kubeconfig.
func (c *ControlPlane) writeCredentials() (err error) {
	if c.authority, err = pki.NewAuthority("eventing-ptp test"); err != nil {
		return err
	}
	dir := c.dir.Path()
	server, err := c.authority.Server("kube-apiserver",
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		[]net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(Address), net.ParseIP(firstService)})
	if err != nil {
		return err
	}
	admin, err := c.authority.Client("admin", "system:masters")
	if err != nil {
		return err
	}
	c.config = &rest.Config{
		Host: serverURL,
		Dial: c.Dial,
		QPS:  -1, // a test waits for the API server, and for nothing else
		// Tests use old versions of kinds on purpose.
		WarningHandler: rest.NoWarnings{},
		TLSClientConfig: rest.TLSClientConfig{
			CAData: c.authority.PEM(), CertData: admin.Certificate, KeyData: admin.Key,
		},
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "ca.crt"), c.authority.PEM(), 0o600),
		server.Write(dir, "apiserver"),
		pki.WriteServiceAccountKey(dir),
		writeKubeconfig(c.AdminKubeconfig(), c.config, metav1.NamespaceDefault))
}

// connect makes the clients; they connect when they are used.
func (c *ControlPlane) connect() error {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return err
	}
	c.client = client
	if c.dynamic, err = dynamic.NewForConfig(c.config); err != nil {
		return err
	}
	c.applier, err = apply.New(c.config)
	return err
}

func (c *ControlPlane) etcd() []string {
	const clients, peers = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
	return []string{
		"etcd",
		"--data-dir=" + filepath.Join(c.dir.Path(), "etcd"),
		"--unsafe-no-fsync",
		"--listen-client-urls=" + clients, "--advertise-client-urls=" + clients,
		"--listen-peer-urls=" + peers, "--initial-advertise-peer-urls=" + peers, "--initial-cluster=default=" + peers,
		"--log-level=warn",
	}
}

func (c *ControlPlane) apiserver() []string {
	file := func(name string) string { return filepath.Join(c.dir.Path(), name) }
	return []string{
		"kube-apiserver",
		"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=0.0.0.0", "--secure-port=6443", "--advertise-address=" + Address,
		"--client-ca-file=" + file("ca.crt"),
		"--tls-cert-file=" + file("apiserver.crt"), "--tls-private-key-file=" + file("apiserver.key"),
		"--cert-dir=" + c.dir.Path(),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + file("sa.pub"), "--service-account-signing-key-file=" + file("sa.key"),
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=Node,RBAC",
		// No aggregated API is called, but whoever asks the API server who a client is
		// complains for ever if it has no authority for those.
		"--requestheader-client-ca-file=" + file("ca.crt"), "--requestheader-allowed-names=nobody",
		"--allow-privileged=true",
		// The names of nodes are not known to anybody.
		"--kubelet-preferred-address-types=InternalIP",
		// Webhooks are called at the endpoints of their Services: nobody translates
		// the addresses of Services here.
		"--enable-aggregator-routing=true",
	}
}

func (c *ControlPlane) controllerManager() []string {
	return []string{
		"kube-controller-manager",
		"--kubeconfig=" + c.AdminKubeconfig(),
		"--authentication-kubeconfig=" + c.AdminKubeconfig(), "--authorization-kubeconfig=" + c.AdminKubeconfig(),
		"--leader-elect=false",
		"--controllers=" + strings.Join(controllers, ","),
		"--root-ca-file=" + filepath.Join(c.dir.Path(), "ca.crt"),
		"--cert-dir=" + c.dir.Path(),
		// As fast as the API server can; the default of 20/s is for busy clusters.
		"--kube-api-qps=1000", "--kube-api-burst=1000",
	}
}

func (c *ControlPlane) scheduler() []string {
	return []string{
		"kube-scheduler",
		"--kubeconfig=" + c.AdminKubeconfig(),
		"--authentication-kubeconfig=" + c.AdminKubeconfig(), "--authorization-kubeconfig=" + c.AdminKubeconfig(),
		"--leader-elect=false",
		"--cert-dir=" + c.dir.Path(),
	}
}

// runServer runs one of the control plane's own programs.
func (c *ControlPlane) runServer(args []string) (*Program, error) {
	p, err := c.Run(args[0], exec.Command(filepath.Join(c.binaries, args[0]), args[1:]...))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers = append(c.servers, p)
	return p, nil
}

// serverReady returns nil when the API server answers that it is ready.
func (c *ControlPlane) serverReady(ctx context.Context) error {
	return c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// controllersReady returns nil when a controller has done something, and the watch
// of the played kubelets stands.
func (c *ControlPlane) controllersReady(ctx context.Context) error {
	if !c.kubelet.informer.HasSynced() {
		return errors.New("pods are not listed yet")
	}
	_, err := c.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return errors.New("the namespace default has no service account yet")
	}
	return err
}

// pollInterval is how often a state is read while waiting for it.
const pollInterval = 20 * time.Millisecond

// Wait calls done until it returns nil, ctx is done, or one of the control plane's
// programs has ended. The error says what was waited for and what done returned last.
func (c *ControlPlane) Wait(ctx context.Context, what string, done func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last error
	for {
		err := done(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		for _, p := range c.ownPrograms() {
			if !p.Running() {
				return fmt.Errorf("wait for %s: %w", what, p.ended())
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %w", what, ctx.Err(), last)
		case <-ticker.C:
		}
	}
}

// ownPrograms returns the programs of the control plane.
func (c *ControlPlane) ownPrograms() []*Program {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.servers)
}

// Config returns a configuration for clients in this process that may do everything
// and are not slowed down.
func (c *ControlPlane) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Client returns a client that may do everything.
func (c *ControlPlane) Client() kubernetes.Interface { return c.client }

// Dynamic returns a client that may do everything, for kinds without Go types.
func (c *ControlPlane) Dynamic() dynamic.Interface { return c.dynamic }

// Dir returns the directory with logs, kubeconfigs and certificates. It is removed
// by Close.
func (c *ControlPlane) Dir() string { return c.dir.Path() }

// Pids returns the process ids of the control plane's own programs.
func (c *ControlPlane) Pids() []int {
	var pids []int
	for _, p := range c.ownPrograms() {
		pids = append(pids, p.Pid())
	}
	return pids
}

// Namespace returns a path to the network namespace that is valid until Close, for
// example for nsenter --net.
func (c *ControlPlane) Namespace() string { return c.namespace.Path() }

// Kubectl returns a command to be run in the network namespace with Run, or anywhere
// else that gives it a way there.
func (c *ControlPlane) Kubectl(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(c.binaries, "kubectl"), append([]string{"--kubeconfig=" + c.AdminKubeconfig()}, args...)...)
}

// CA returns the certificate, in PEM, of the authority that has signed the API
// server's certificate, and those of ServerCertificate.
func (c *ControlPlane) CA() []byte { return c.authority.PEM() }

// ServerCertificate returns a certificate and key, both in PEM, for a TLS server with
// the given names, and with the addresses of the network namespace.
func (c *ControlPlane) ServerCertificate(names ...string) (certificate, key []byte, err error) {
	pair, err := c.authority.Server("server", names, []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(Address)})
	return pair.Certificate, pair.Key, err
}

// Dial connects to an IP address and port in the network namespace. It fits
// http.Transport.DialContext.
func (c *ControlPlane) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = c.namespace.Do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens at a port of all addresses in the network namespace. Port 0 chooses
// one.
func (c *ControlPlane) Listen(port int) (listener net.Listener, err error) {
	err = c.namespace.Do(func() error {
		listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp4", fmt.Sprintf(":%d", port))
		return err
	})
	return listener, err
}

// Close ends all programs, and removes the network namespace and the directory. A
// second Close does nothing and returns the same.
func (c *ControlPlane) Close() error { return c.close() }

func (c *ControlPlane) tearDown() error {
	var errs []error
	if c.kubelet != nil {
		c.kubelet.stop()
	}
	if c.namespace != nil {
		// Ends the programs, too; they have to be gone before their files.
		errs = append(errs, c.namespace.Close())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.programs {
		<-p.Exited()
	}
	if c.dir != nil {
		errs = append(errs, c.dir.Close())
	}
	return errors.Join(errs...)
}
