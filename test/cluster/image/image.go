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
// Go command and the host's certificate authorities: no Docker, no base image that is
// fetched, no network but the module proxy. What is built is kept in the user's cache
// directory.
package image

// Set is images of the programs of one Go module. They are built together and kept
// together.
type Set struct {
	// Name is a short word. Repositories in the registry begin with it.
	Name string
	// Dir is the directory of the module, below test/cluster.
	Dir string
	// Programs are the import paths of main packages that the module has or requires.
	// Manifests name the image of each by it, behind ko://.
	Programs []string
}

// user is who programs run as unless their pod says otherwise. Pods that must not be
// root need a number here, because a kubelet cannot look up names.
const user = "65532"

// BaseName is what References call the image of Base.
const BaseName = "base"

// Base is an image without a program, a base image for ko: certificate authorities, and
// a user that is not root.
func Base() Set { return Set{Name: BaseName} }

// Pause is the image of the process that holds the namespaces of each pod.
func Pause() Set { return Set{Name: "pause", Dir: "pause", Programs: []string{PauseName}} }

// PauseName is what References call the image of Pause.
const PauseName = "github.com/eventing-ptp/eventing-ptp/test/cluster/pause"

// References says what images are called: from the import path of a program, or BaseName,
// to registry/repository@sha256:digest.
type References map[string]string
