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

package controlplane

import (
	"context"
	"fmt"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/eventing-ptp/eventing-ptp/test/pki"
)

// tokenSeconds is how long a token is good for.
const tokenSeconds = int64(pki.Validity / 1e9)

// AdminKubeconfig returns the path of a kubeconfig for programs in the network
// namespace that may do everything.
func (c *ControlPlane) AdminKubeconfig() string {
	return filepath.Join(c.dir.Path(), "admin.kubeconfig")
}

// Kubeconfig writes a kubeconfig for a program in the network namespace that runs as
// a service account, and returns its path.
func (c *ControlPlane) Kubeconfig(ctx context.Context, namespace, serviceAccount string) (string, error) {
	config, err := c.ConfigFor(ctx, namespace, serviceAccount)
	if err != nil {
		return "", err
	}
	path := c.file(namespace+"."+serviceAccount, ".kubeconfig")
	return path, writeKubeconfig(path, config, namespace)
}

// ConfigFor returns a configuration for clients in this process that act as a
// service account, with a token from the API server.
func (c *ControlPlane) ConfigFor(ctx context.Context, namespace, serviceAccount string) (*rest.Config, error) {
	seconds := tokenSeconds
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	request, err := c.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("request a token of the service account %s/%s: %w", namespace, serviceAccount, err)
	}
	config := rest.AnonymousClientConfig(c.config)
	config.BearerToken = request.Status.Token
	return config, nil
}

// writeKubeconfig writes what a client configuration says.
func writeKubeconfig(path string, config *rest.Config, namespace string) error {
	const name = "controlplane"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{
		Token: config.BearerToken, ClientCertificateData: config.CertData, ClientKeyData: config.KeyData,
	}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	kubeconfig.CurrentContext = name
	return clientcmd.WriteToFile(*kubeconfig, path)
}
