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
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Certificate is one in two files, as they are in a secret that is mounted. It is read again
// when they change.
type Certificate struct {
	certificate, key string
	log              *zap.Logger

	mu      sync.Mutex
	looked  time.Time
	text    []byte // of both files
	current *tls.Certificate
}

// NewCertificate reads a certificate and its key, in PEM. It fails where there is none.
func NewCertificate(certificate, key string, log *zap.Logger) (*Certificate, error) {
	c := &Certificate{certificate: certificate, key: key, log: log}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("read the certificate of the O-Cloud API: %w", err)
	}
	c.looked = time.Now()
	return c, nil
}

// lookAgain is how old what is known of the files may be when a client connects.
const lookAgain = time.Second

// get returns the certificate for a new connection. While the files cannot be read, as in
// the middle of being replaced, that is the one before.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > lookAgain {
		c.looked = time.Now()
		if err := c.read(); err != nil {
			c.log.Warn("the new certificate of the O-Cloud API cannot be used; the one before is", zap.Error(err))
		}
	}
	return c.current, nil
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
	text := append(append(bytes.Clone(certificate), 0), key...)
	if bytes.Equal(text, c.text) {
		return nil
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", c.certificate, c.key, err)
	}
	if c.current != nil {
		c.log.Info("the O-Cloud API has a new certificate", zap.String("file", c.certificate))
	}
	c.text, c.current = text, &pair
	return nil
}
