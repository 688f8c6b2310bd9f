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

// Package lego is the client that there is none of.
package lego

import (
	"crypto"
	"crypto/x509"
	"net/http"

	"github.com/go-acme/lego/v4/certcrypto"
	"github.com/go-acme/lego/v4/certificate"
	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/challenge/dns01"
	"github.com/go-acme/lego/v4/challenge/http01"
	"github.com/go-acme/lego/v4/challenge/tlsalpn01"
	"github.com/go-acme/lego/v4/registration"
)

// LEDirectoryProduction is where Let's Encrypt is.
const LEDirectoryProduction = "https://acme-v02.api.letsencrypt.org/directory"

// User is somebody with an account.
type User interface {
	GetEmail() string
	GetRegistration() *registration.Resource
	GetPrivateKey() crypto.PrivateKey
}

// Config is what a client would be made from.
type Config struct {
	CADirURL, UserAgent string
	HTTPClient          *http.Client
	Certificate         CertificateConfig
}

// CertificateConfig says how certificates shall be.
type CertificateConfig struct {
	KeyType           certcrypto.KeyType
	DisableCommonName bool
}

// NewConfig returns an empty configuration.
func NewConfig(User) *Config { return &Config{} }

// Client would ask for certificates.
type Client struct {
	Certificate  *certificate.Certifier
	Challenge    *SolverManager
	Registration *registration.Registrar
}

// NewClient fails.
func NewClient(*Config) (*Client, error) { return nil, challenge.ErrLeftOut }

// SolverManager would meet challenges.
type SolverManager struct{}

// SetDNS01Provider fails.
func (*SolverManager) SetDNS01Provider(challenge.Provider, ...dns01.ChallengeOption) error {
	return challenge.ErrLeftOut
}

// SetHTTP01Provider fails.
func (*SolverManager) SetHTTP01Provider(challenge.Provider, ...http01.ChallengeOption) error {
	return challenge.ErrLeftOut
}

// SetTLSALPN01Provider fails.
func (*SolverManager) SetTLSALPN01Provider(challenge.Provider, ...tlsalpn01.ChallengeOption) error {
	return challenge.ErrLeftOut
}

// CreateCertPool fails.
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, challenge.ErrLeftOut }
