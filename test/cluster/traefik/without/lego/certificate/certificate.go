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

// Package certificate is certificates from an authority.
package certificate

import "github.com/go-acme/lego/v4/challenge"

// Resource is a certificate.
type Resource struct {
	Domain                  string
	PrivateKey, Certificate []byte
}

// ObtainRequest is what a certificate is asked for with.
type ObtainRequest struct {
	Domains, EmailAddresses []string
	Bundle                  bool
	Profile, PreferredChain string
}

// RenewOptions is the same for one that there is.
type RenewOptions struct {
	EmailAddresses          []string
	Bundle                  bool
	Profile, PreferredChain string
}

// Certifier asks for certificates.
type Certifier struct{}

// Obtain fails.
func (*Certifier) Obtain(ObtainRequest) (*Resource, error) { return nil, challenge.ErrLeftOut }

// RenewWithOptions fails.
func (*Certifier) RenewWithOptions(Resource, *RenewOptions) (*Resource, error) {
	return nil, challenge.ErrLeftOut
}
