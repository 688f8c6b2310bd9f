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

package image

import (
	"context"
	"fmt"
	"net/http"
	"path"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push sends the images to a registry, host:port, over plain HTTP, and returns what they
// are called there. What the registry has already is not sent. The transport is how to
// reach it, for example in another network namespace; nil is directly.
func (b *Built) Push(ctx context.Context, registry string, transport http.RoundTripper) (References, error) {
	if transport == nil {
		transport = direct()
	}
	index, err := b.layout.ImageIndex()
	if err != nil {
		return nil, fmt.Errorf("push the images of %s: %w", b.set.Name, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("push the images of %s: %w", b.set.Name, err)
	}
	references := References{}
	for _, entry := range manifest.Manifests {
		program := entry.Annotations[refName]
		repository, err := name.NewRepository(path.Join(registry, repositoryOf(b.set.Name, program)), name.Insecure)
		if err != nil {
			return nil, fmt.Errorf("push %s: %w", program, err)
		}
		image, err := index.Image(entry.Digest)
		if err != nil {
			return nil, fmt.Errorf("push %s: %w", program, err)
		}
		reference := repository.Digest(entry.Digest.String())
		// By a tag, too, for who cannot know the digest: nodes have to know the image of Pause before there is a registry.
		if err := remote.Write(repository.Tag(name.DefaultTag), image, remote.WithContext(ctx), remote.WithTransport(transport)); err != nil {
			return nil, fmt.Errorf("push %s to the registry %s: %w", program, registry, err)
		}
		references[program] = reference.String()
	}
	return references, nil
}

// repositoryOf returns which repository of a registry an image is in.
func repositoryOf(set, program string) string {
	if program == set {
		return set
	}
	return set + "/" + path.Base(program)
}

// direct does not ask a proxy for what is on this machine.
func direct() http.RoundTripper {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	return transport
}
