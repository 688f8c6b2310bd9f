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
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/golang"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// authorities is where Debian keeps the certificates of authorities, and where Go looks
// for them first (crypto/x509).
const authorities = "/etc/ssl/certs/ca-certificates.crt"

// Built is a Set that is built.
type Built struct {
	set    Set
	layout layout.Path // one image for each program, or that of Base
}

// Build builds a set, unless that has been done: from the same sources, with the same Go
// and certificates, it is built once. Progress, if not nil, is told what takes long, in
// lines. Several processes may build at once. After an interruption the next call goes
// on with what the Go command has compiled by then. The working directory must be in this
// repository.
func (s Set) Build(ctx context.Context, progress io.Writer) (*Built, error) {
	if progress == nil {
		progress = io.Discard
	}
	cluster, err := root(ctx)
	if err != nil {
		return nil, err
	}
	b := builder{set: s, cluster: cluster, authorities: authorities, progress: progress}
	cache, err := sandbox.CacheDir("images", s.Name)
	if err != nil {
		return nil, err
	}
	built, err := b.cached(ctx, cache)
	if err != nil {
		return nil, fmt.Errorf("build the images of %s: %w", s.Name, err)
	}
	return built, nil
}

// builder builds a set.
type builder struct {
	set         Set
	cluster     string // test/cluster
	authorities string
	progress    io.Writer
}

// cached returns what is in the directory, after building it if need be.
func (b *builder) cached(ctx context.Context, cache string) (*Built, error) {
	key, err := b.key(ctx)
	if err != nil {
		return nil, err
	}
	lock, err := sandbox.Lock(ctx, cache)
	if err != nil {
		return nil, err
	}
	defer lock.Close()

	dir := filepath.Join(cache, key)
	if _, err := os.Stat(dir); err == nil {
		return &Built{b.set, layout.Path(dir)}, nil
	}
	fmt.Fprintf(b.progress, "building the images of %s, once: this can take several minutes\n", b.set.Name)
	start := time.Now()
	if err := b.build(ctx, dir); err != nil {
		return nil, err
	}
	fmt.Fprintf(b.progress, "built the images of %s in %s\n", b.set.Name, time.Since(start).Round(time.Second))
	return &Built{b.set, layout.Path(dir)}, nil
}

// build builds into dir, which appears only when it is complete. The caller holds the
// lock.
func (b *builder) build(ctx context.Context, dir string) error {
	// What was left by builds that were killed. Their Go commands may run on, so their
	// directories are not used again.
	stale, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*.partial*"))
	if err != nil {
		return err
	}
	for _, path := range stale {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	scratch, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".partial")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	complete := filepath.Join(scratch, "complete")
	images, err := layout.Write(complete, empty.Index)
	if err != nil {
		return err
	}
	base, err := baseImage(b.authorities)
	if err != nil {
		return err
	}
	if len(b.set.Programs) == 0 {
		err = images.AppendImage(base, named(b.set.Name))
	} else {
		err = b.addPrograms(ctx, images, base, scratch)
	}
	if err != nil {
		return err
	}
	return os.Rename(complete, dir)
}

// buildFlags make the programs of the same sources the same, wherever they are built.
var buildFlags = [...]string{"-buildvcs=false", "-trimpath", "-ldflags=-s -w"}

// addPrograms compiles the programs and adds an image of each.
func (b *builder) addPrograms(ctx context.Context, images layout.Path, base v1.Image, scratch string) error {
	binaries := filepath.Join(scratch, "binaries")
	if err := os.Mkdir(binaries, 0o755); err != nil {
		return err
	}
	// One call, because the programs of a set have most packages in common.
	args := slices.Concat(buildFlags[:], []string{"-o", binaries + "/"}, b.set.Programs)
	if err := golang.Build(ctx, b.progress, filepath.Join(b.cluster, b.set.Dir), args...); err != nil {
		return err
	}
	for _, program := range b.set.Programs {
		image, err := withProgram(base, filepath.Join(binaries, filepath.Base(program)))
		if err != nil {
			return fmt.Errorf("make an image of %s: %w", program, err)
		}
		if err := images.AppendImage(image, named(program)); err != nil {
			return fmt.Errorf("keep the image of %s: %w", program, err)
		}
	}
	return nil
}

// key returns a short name for all that makes a difference to the images: the module's
// own sources, what it requires, the certificates, how Go compiles, and how images are
// made.
func (b *builder) key(ctx context.Context) (string, error) {
	compiler, err := golang.Output(ctx, b.cluster, "env", "GOVERSION", "GOARCH", "GOAMD64", "GOEXPERIMENT")
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %q\n", compiler, buildFlags, b.set)
	files := []string{b.authorities, filepath.Join(b.cluster, "image", "layer.go")}
	if len(b.set.Programs) > 0 {
		sources, err := sourcesOf(filepath.Join(b.cluster, b.set.Dir))
		if err != nil {
			return "", err
		}
		files = append(files, sources...)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(b.cluster, file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n", name, len(content))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

// sourcesOf returns the files below a directory that the Go command may read when it
// builds what is there.
func sourcesOf(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		source := slices.Contains([]string{"go.mod", "go.sum"}, entry.Name()) ||
			strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if !entry.IsDir() && source {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}
