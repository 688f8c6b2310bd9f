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

package registry

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func start(t *testing.T, dir string) string {
	t.Helper()
	handler, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestBlobsOutliveTheRegistryAndManifestsDoNot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on", "the", "way")
	image, err := random.Image(1<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	first, err := name.NewTag(start(t, dir)+"/some/image:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(first, image); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Image(first); err != nil {
		t.Errorf("while the registry runs: %v", err)
	}

	second := start(t, dir)
	for path, want := range map[string]int{
		"/v2/some/image/blobs/" + digest.String(): http.StatusOK,
		"/v2/some/image/manifests/1":              http.StatusNotFound,
	} {
		response, err := http.Get("http://" + second + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want {
			t.Errorf("after a start %s is %s, want %d", path, response.Status, want)
		}
	}
}

func TestADirectoryThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(filepath.Join(file, "blobs")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
}
