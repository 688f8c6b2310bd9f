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

// Package component describes what is installed on a cluster: which images, which
// objects, and what to wait for.
package component

import (
	"bytes"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

// Component is a thing that is installed as a whole.
type Component struct {
	// Name is a short word for messages.
	Name string
	// Images are to be built and pushed before Manifest is called.
	Images []image.Set
	// Namespaces are where its Deployments are. It works when all of them are Available.
	Namespaces []string

	// read returns the objects as whoever made them did, from the sources of modules.
	read func(context.Context) ([]*unstructured.Unstructured, error)
	// leaveOut is whether an object is of no use here.
	leaveOut func(*unstructured.Unstructured) bool
	// patch changes one of the others.
	patch func(Cluster, *unstructured.Unstructured) error
	// without are the programs that objects name and that are not built.
	without []string
}

// Cluster is what manifests have to know about the cluster that they are for.
type Cluster struct {
	// Registry is host:port, as in the references of images.
	Registry string
	// DNS is the address of the Service of CoreDNS, an address of the range that the API
	// server has for Services. Kubelets have to tell it to pods.
	DNS string
}

// Manifest returns the objects as a stream of YAML documents. They are in an order in
// which each needs to be applied once: CustomResourceDefinitions, which are to be waited
// for until they are Established, namespaces, and the others, programs last. Images must
// have what all sets of the component were pushed as. The working directory must be in
// this repository.
func (c Component) Manifest(ctx context.Context, images image.References, cluster Cluster) ([]byte, error) {
	objects, err := c.objects(ctx, images, cluster)
	if err != nil {
		return nil, fmt.Errorf("make the manifest of %s: %w", c.Name, err)
	}
	var stream bytes.Buffer
	for _, o := range objects {
		document, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("make the manifest of %s: %w", c.Name, err)
		}
		stream.WriteString("---\n")
		stream.Write(document)
	}
	return stream.Bytes(), nil
}

func (c Component) objects(ctx context.Context, images image.References, cluster Cluster) ([]*unstructured.Unstructured, error) {
	all, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, o := range all {
		if isForCrowds(o) || c.leaveOut != nil && c.leaveOut(o) {
			continue
		}
		if err := makeSmall(o); err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf(o), err)
		}
		if c.patch != nil {
			if err := c.patch(cluster, o); err != nil {
				return nil, fmt.Errorf("%s: %w", nameOf(o), err)
			}
		}
		if o.Object, err = resolve(o.Object, images, c.without); err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf(o), err)
		}
		objects = append(objects, o)
	}
	sortForApply(objects)
	return objects, nil
}
