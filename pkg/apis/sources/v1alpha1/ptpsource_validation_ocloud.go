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

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"knative.dev/pkg/apis"
)

// maxRemoveAfter is a year, like that of a history.
const maxRemoveAfter = 8760 * time.Hour

func (o *OCloud) validate() *apis.FieldError {
	if o == nil {
		return nil
	}
	errs := inRange("port", o.Port, 1024, math.MaxUint16, "9043").Also(
		inRange("maxSubscriptions", o.MaxSubscriptions, 1, 10_000, "1024"))
	if !slices.Contains([]OCloudAuth{OCloudAuthNone, OCloudAuthServiceAccount, OCloudAuthClientCertificate}, o.Auth) {
		errs = errs.Also(refuse("auth", string(o.Auth), "must be %s, %s or %s", OCloudAuthNone, OCloudAuthServiceAccount, OCloudAuthClientCertificate))
	}
	if !slices.Contains([]OCloudEndpoints{OCloudEndpointsLocalhost, OCloudEndpointsCluster, OCloudEndpointsAny}, o.Endpoints) {
		errs = errs.Also(refuse("endpoints", string(o.Endpoints), "must be %s, %s or %s", OCloudEndpointsLocalhost, OCloudEndpointsCluster, OCloudEndpointsAny))
	}
	for i, network := range o.AllowedNetworks {
		if p, err := netip.ParsePrefix(network); err != nil || p != p.Masked() {
			errs = errs.Also(refuse(atIndex("allowedNetworks", i), network, "must be a network, for example 192.0.2.0/24 or 2001:db8::/32"))
		}
	}
	if o.TLSSecretName != "" && len(content.IsDNS1123Subdomain(o.TLSSecretName)) > 0 {
		errs = errs.Also(refuse("tlsSecretName", o.TLSSecretName, "must be the name of a secret, for example ocloud-tls"))
	}
	if o.Auth == OCloudAuthServiceAccount && o.TLSSecretName == "" {
		errs = errs.Also(apis.ErrGeneric("auth ServiceAccount needs tlsSecretName: tokens must not be sent in clear text", "tlsSecretName"))
	}
	if o.Auth == OCloudAuthClientCertificate && o.TLSSecretName == "" {
		errs = errs.Also(apis.ErrGeneric("auth ClientCertificate needs tlsSecretName, a secret that has the authority of the clients as ca.crt, too", "tlsSecretName"))
	}
	if d := o.RemoveAfter; d != nil && d.Duration != 0 && (d.Duration < time.Minute || d.Duration > maxRemoveAfter) {
		errs = errs.Also(refuse("removeAfter", d.Duration, "must be 1m to 8760h, for example 168h, or 0s (never)"))
	}
	return errs
}
