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

// Package image turns the programs of Go modules into container images. It needs the
// Go command and nothing else: no Docker, no base image that is fetched, no network
// but the module proxy. What is built is kept in the user's cache directory.
package image

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// Set is the images of the programs of one Go module. They are built together and
// kept together.
type Set struct {
	// Name is a short word. Repositories in the registry begin with it.
	Name string
	// Dir is the directory of the module, below test/cluster.
	Dir string
	// Programs are those that become images.
	Programs []Program
}

// Program is a main package that becomes an image.
type Program struct {
	// Package is its import path. Manifests name the image by it, behind ko://.
	Package string
	// Root says that the image's user is 0, not 65532.
	Root bool
}

// Base is an image without a program, a base image for ko: certificate authorities,
// and a user that is not root. References know it under the name BaseName.
func Base() Set { return Set{Name: BaseName} }

// BaseName is the name of the image of Base.
const BaseName = "base"

// References says where images are: from the import path of a program to
// registry/repository@sha256:digest.
type References map[string]string

// Built is a Set that is built.
type Built struct{}

// Build builds a set, unless that has been done: the same sources and settings are
// built once. Progress, if not nil, is told what takes long, in lines. Several
// processes may build at once. After an interruption the next call goes on where this
// one was, as far as the Go command keeps what it has compiled. The working directory
// must be in this repository.
func (s Set) Build(ctx context.Context, progress io.Writer) (*Built, error) {
	return nil, errors.New("not yet")
}

// Push sends the images to a registry, host:port, over plain HTTP, and returns what
// they are called there. What the registry has already is not sent. The transport is
// how to reach it, for example from another network namespace; nil is as anybody does.
func (b *Built) Push(ctx context.Context, registry string, transport http.RoundTripper) (References, error) {
	return nil, errors.New("not yet")
}
