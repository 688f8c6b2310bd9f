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
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// refName is the annotation by which an image of a layout is found
// (OCI image specification, annotations).
const refName = "org.opencontainers.image.ref.name"

// named gives an image its name in a layout.
func named(name string) layout.Option {
	return layout.WithAnnotations(map[string]string{refName: name})
}

// dataPath is where ko puts what a program wants beside it. Knative's look there for the
// commit that they are built from, and do without.
const dataPath = "/var/run/ko"

// baseImage returns an image without a program.
func baseImage(authorities string) (v1.Image, error) {
	certificates, err := os.ReadFile(authorities)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of authorities; on Debian they are in the package ca-certificates: %w", err)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	return withLayer(image, []file{
		{name: "/etc/ssl/certs/ca-certificates.crt", mode: 0o444, content: certificates},
		{name: dataPath + "/", mode: 0o755},
	}, func(config *v1.Config) {
		config.User = user
		config.Env = []string{"KO_DATA_PATH=" + dataPath}
	})
}

// withProgram returns the image with one more layer, in which the program is.
func withProgram(image v1.Image, binary string) (v1.Image, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	name := "/" + filepath.Base(binary)
	return withLayer(image, []file{{name: name, mode: 0o555, content: content}}, func(config *v1.Config) {
		config.Entrypoint = []string{name}
	})
}

// file is one of a layer. The name of a directory ends in a slash.
type file struct {
	name    string
	mode    int64
	content []byte
}

// withLayer returns the image with one more layer and a changed configuration. No time
// goes into it, so that what is the same has the same digest.
func withLayer(image v1.Image, files []file, change func(*v1.Config)) (v1.Image, error) {
	archive, err := pack(files)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching,
		tarball.WithCompressionLevel(gzip.BestSpeed)) // it goes nowhere but over loopback
	if err != nil {
		return nil, err
	}
	image, err = mutate.AppendLayers(image, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	change(&config.Config)
	return mutate.ConfigFile(image, config)
}

// pack makes an archive of files and of the directories above them.
func pack(files []file) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	seen := map[string]bool{"/": true}
	var add func(f file) error
	add = func(f file) error {
		if seen[f.name] {
			return nil
		}
		seen[f.name] = true
		above := strings.TrimSuffix(path.Dir(path.Clean(f.name)), "/") + "/"
		if err := add(file{name: above, mode: 0o755}); err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name[1:], Mode: f.mode, Size: int64(len(f.content))}
		if f.name[len(f.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err := w.Write(f.content)
		return err
	}
	for _, f := range files {
		if err := add(f); err != nil {
			return nil, err
		}
	}
	return archive.Bytes(), w.Close()
}
