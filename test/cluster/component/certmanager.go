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

package component

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

const certManagerDir = "certmanager" // below test/cluster

// CertManager is cert-manager in the namespace cert-manager, for issuers of the kinds
// selfSigned and ca.
func CertManager() Component {
	return Component{
		Name: "cert-manager",
		Images: []image.Set{{
			Name: "cert-manager", Dir: certManagerDir,
			Programs: []string{"github.com/eventing-ptp/eventing-ptp/test/cluster/certmanager"},
		}},
		Namespaces: []string{"cert-manager"},
		read: func(ctx context.Context) ([]*unstructured.Unstructured, error) {
			objects, err := readSources(ctx, source{certManagerDir, "github.com/cert-manager/cert-manager", []string{
				"deploy/crds/cert-manager.io_certificaterequests.yaml",
				"deploy/crds/cert-manager.io_certificates.yaml",
				"deploy/crds/cert-manager.io_clusterissuers.yaml",
				"deploy/crds/cert-manager.io_issuers.yaml",
			}})
			if err != nil {
				return nil, err
			}
			program, err := readManifest("cert-manager.yaml")
			return append(objects, program...), err
		},
	}
}
