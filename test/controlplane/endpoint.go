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

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	discoveryv1ac "k8s.io/client-go/applyconfigurations/discovery/v1"

	"github.com/eventing-ptp/eventing-ptp/test/apply"
)

// Endpoint makes programs in the network namespace the endpoint of a Service, as its
// selector would do with pods. ports says at which port each port of the Service is
// served, by name; those that are not in it are at their numeric target port. The API
// server calls webhooks there (k8s.io/apiserver/pkg/util/proxy, ResolveEndpoint).
func (c *ControlPlane) Endpoint(ctx context.Context, namespace, service string, ports map[string]int) error {
	s, err := c.client.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find the service that gets an endpoint: %w", err)
	}
	// Without a controller that it belongs to, nobody else changes it.
	slice := discoveryv1ac.EndpointSlice(service+"-test", namespace).
		WithLabels(map[string]string{discoveryv1.LabelServiceName: service}).
		WithAddressType(discoveryv1.AddressTypeIPv4).
		WithEndpoints(discoveryv1ac.Endpoint().
			WithAddresses(Address).
			WithConditions(discoveryv1ac.EndpointConditions().WithReady(true)))
	for _, p := range s.Spec.Ports {
		slice.WithPorts(discoveryv1ac.EndpointPort().
			WithName(p.Name).WithProtocol(p.Protocol).WithPort(servedAt(p, ports)))
	}
	_, err = c.client.DiscoveryV1().EndpointSlices(namespace).Apply(ctx, slice,
		metav1.ApplyOptions{FieldManager: apply.FieldManager, Force: true})
	if err != nil {
		return fmt.Errorf("make an endpoint of the service %s/%s: %w", namespace, service, err)
	}
	return nil
}

// servedAt returns the port at which a program serves a port of a Service.
func servedAt(p corev1.ServicePort, ports map[string]int) int32 {
	if number, ok := ports[p.Name]; ok {
		return int32(number)
	}
	if number := p.TargetPort.IntVal; number != 0 {
		return number
	}
	return p.Port
}
