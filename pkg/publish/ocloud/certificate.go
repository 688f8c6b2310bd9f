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

package ocloud

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Certificate is that of the server, and the authorities of its clients where these must have
// certificates, in files, as they are in a secret that is mounted. They are read again when they
// change.
type Certificate struct {
	certificate, key string
	clients          string // empty: clients need no certificate
	log              *zap.Logger

	mu          sync.Mutex
	looked      time.Time
	text        []byte // of all files
	current     *tls.Certificate
	authorities *x509.CertPool
}

// NewCertificate reads a certificate, its key, and the certificates of the authorities of clients
// (empty: clients need none), all in PEM. It fails where one is missing.
func NewCertificate(certificate, key, clients string, log *zap.Logger) (*Certificate, error) {
	c := &Certificate{certificate: certificate, key: key, clients: clients, log: log}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("read the certificate of the O-Cloud API: %w", err)
	}
	c.looked = time.Now()
	return c, nil
}

// lookAgain is how old what is known of the files may be when a client connects.
const lookAgain = time.Second

// config returns what a server needs. Who shows no certificate may connect, and is answered
// that it takes one.
func (c *Certificate) config() *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		own, _ := c.get()
		return own, nil
	}}
	if c.clients != "" {
		// What is verified is so by the authorities of now, also where a session is resumed.
		t.ClientAuth, t.VerifyConnection = tls.RequestClientCert, c.verify
	}
	return t
}

// verify refuses a certificate of a client that is of no authority.
func (c *Certificate) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return nil
	}
	_, authorities := c.get()
	o := x509.VerifyOptions{Roots: authorities, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, between := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(between)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	return err
}

// get returns what is for a new connection. While the files cannot be read, as in the middle of
// being replaced, that is what was before.
func (c *Certificate) get() (*tls.Certificate, *x509.CertPool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > lookAgain {
		c.looked = time.Now()
		if err := c.read(); err != nil {
			c.log.Warn("the new certificate of the O-Cloud API cannot be used; the one before is", zap.Error(err))
		}
	}
	return c.current, c.authorities
}

func (c *Certificate) read() error {
	certificate, err := os.ReadFile(c.certificate)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(c.key)
	if err != nil {
		return err
	}
	var clients []byte
	if c.clients != "" {
		if clients, err = os.ReadFile(c.clients); err != nil {
			return err
		}
	}
	text := bytes.Join([][]byte{certificate, key, clients}, []byte{0})
	if bytes.Equal(text, c.text) {
		return nil
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", c.certificate, c.key, err)
	}
	authorities := x509.NewCertPool()
	if c.clients != "" && !authorities.AppendCertsFromPEM(clients) {
		return fmt.Errorf("%s has no certificate of an authority that clients could have theirs of", c.clients)
	}
	if c.current != nil {
		c.log.Info("the O-Cloud API has a new certificate", zap.String("file", c.certificate))
	}
	c.text, c.current, c.authorities = text, &pair, authorities
	return nil
}
