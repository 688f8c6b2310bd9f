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
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/registry"
)

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

// write writes files, the keys being their paths.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, content := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// newBuilder returns a builder for a module with two programs.
func newBuilder(t *testing.T) *builder {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"image/layer.go":   "package image\n",
		"greet/go.mod":     "module example.com/greet\n\ngo 1.26.0\n",
		"greet/hi/main.go": hello,
		"greet/ho/main.go": hello,
		"certificates":     "CERTIFICATE\n",
	})
	return &builder{
		set:         Set{Name: "greet", Dir: "greet", Programs: []string{"example.com/greet/hi", "example.com/greet/ho"}},
		cluster:     dir,
		authorities: filepath.Join(dir, "certificates"),
		progress:    io.Discard,
	}
}

func build(t *testing.T, b *builder, cache string) *Built {
	t.Helper()
	built, err := b.cached(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// server is a registry that counts what it is sent.
type server struct {
	address string
	mu      sync.Mutex
	uploads int
}

func newServer(t *testing.T) *server {
	t.Helper()
	handler, err := registry.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			s.mu.Lock()
			s.uploads++
			s.mu.Unlock()
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	s.address = strings.TrimPrefix(listener.URL, "http://")
	return s
}

func (s *server) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads
}

// pull fetches an image as a node does.
func pull(t *testing.T, reference string) v1.Image {
	t.Helper()
	ref, err := name.NewDigest(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// contents returns the files of an image, with their modes, and what is in them.
func contents(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	stream := mutate.Extract(image)
	defer stream.Close()
	files := map[string]string{}
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("%s %04o", header.Name, header.Mode)] = string(content)
	}
}

func TestPush(t *testing.T) {
	server := newServer(t)
	built := build(t, newBuilder(t), t.TempDir())
	references, err := built.Push(t.Context(), server.address, nil)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("what is pushed is what a node pulls", func(t *testing.T) {
		if len(references) != 2 {
			t.Fatalf("references %v, want one for each program", references)
		}
		reference := references["example.com/greet/ho"]
		if want := server.address + "/greet/ho@sha256:"; !strings.HasPrefix(reference, want) {
			t.Errorf("reference %s, want %s…", reference, want)
		}
		checkImage(t, pull(t, reference))
	})
	t.Run("what the registry has is not sent again", func(t *testing.T) {
		sent := server.sent()
		if sent == 0 {
			t.Fatal("nothing was sent")
		}
		again, err := built.Push(t.Context(), server.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if now := server.sent(); now != sent {
			t.Errorf("%d blobs were sent, then %d more", sent, now-sent)
		}
		if diff := cmp.Diff(references, again); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a registry that is out of reach is named", func(t *testing.T) {
		_, err := built.Push(t.Context(), "registry.invalid:5000", unreachable{})
		if err == nil || !strings.Contains(err.Error(), "registry.invalid:5000") || !errors.Is(err, errUnreachable) {
			t.Errorf("error %v", err)
		}
	})
}

// checkImage checks the image of the program ho.
func checkImage(t *testing.T, image v1.Image) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH {
		t.Errorf("it is for %s on %s", config.OS, config.Architecture)
	}
	want := v1.Config{User: "65532", Entrypoint: []string{"/ho"}, Env: []string{"KO_DATA_PATH=/var/run/ko"}}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Error(diff)
	}
	files := contents(t, image)
	if !strings.HasPrefix(files["ho 0555"], "\x7fELF") {
		t.Errorf("the program is no program: %.20q", files["ho 0555"])
	}
	delete(files, "ho 0555")
	if diff := cmp.Diff(map[string]string{
		"etc 0755": "", "etc/ssl 0755": "", "etc/ssl/certs 0755": "", "etc/ssl/certs/ca-certificates.crt 0444": "CERTIFICATE\n",
		"var 0755": "", "var/run 0755": "", "var/run/ko 0755": "",
	}, files); diff != "" {
		t.Error(diff)
	}
}

func TestBaseIsAnImageWithoutAProgram(t *testing.T) {
	b := newBuilder(t)
	b.set = Base()
	references, err := build(t, b, t.TempDir()).Push(t.Context(), newServer(t).address, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pull(t, references[BaseName]).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532" || config.Config.Entrypoint != nil {
		t.Errorf("user %q, entrypoint %q", config.Config.User, config.Config.Entrypoint)
	}
}

var errUnreachable = errors.New("no way there")

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) { return nil, errUnreachable }

func TestWhatIsBuiltIsKept(t *testing.T) {
	cache := t.TempDir()
	b := newBuilder(t)
	var progress bytes.Buffer
	b.progress = &progress
	first := build(t, b, cache)
	if lines := strings.Count(progress.String(), "\n"); lines != 2 {
		t.Errorf("progress %q, want a line at either end", progress.String())
	}
	progress.Reset()
	second := build(t, b, cache)
	if progress.Len() > 0 || first.layout != second.layout {
		t.Errorf("it was built again: %q, %s, then %s", progress.String(), first.layout, second.layout)
	}
}

func TestTheSameSourcesBecomeTheSameImages(t *testing.T) {
	server := newServer(t)
	var digests []References
	for range 2 {
		references, err := build(t, newBuilder(t), t.TempDir()).Push(t.Context(), server.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, references)
	}
	if diff := cmp.Diff(digests[0], digests[1]); diff != "" {
		t.Error(diff)
	}
}

func TestOneBuildsForAllThatAskAtOnce(t *testing.T) {
	cache := t.TempDir()
	source := newBuilder(t)
	var mu sync.Mutex
	var progress bytes.Buffer
	errs := make(chan error)
	for range 3 {
		b := *source
		b.progress = writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return progress.Write(p)
		})
		go func() {
			_, err := b.cached(t.Context(), cache)
			errs <- err
		}()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(progress.String(), "building"); n != 1 {
		t.Errorf("it was built %d times", n)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestKeyFollowsEverythingThatMakesADifference(t *testing.T) {
	b := newBuilder(t)
	keys := map[string]string{}
	for _, change := range []struct {
		name  string
		apply func()
	}{
		{"nothing", func() {}},
		{"a source", func() { write(t, b.cluster, map[string]string{"greet/hi/main.go": hello + "// more\n"}) }},
		{"a sum", func() { write(t, b.cluster, map[string]string{"greet/go.sum": "\n"}) }},
		{"a new file", func() { write(t, b.cluster, map[string]string{"greet/ho/more.go": "package main\n"}) }},
		{"a program less", func() { b.set.Programs = b.set.Programs[:1] }},
		{"certificates", func() { write(t, b.cluster, map[string]string{"certificates": "OTHERS\n"}) }},
		{"how images are made", func() {
			write(t, b.cluster, map[string]string{"image/layer.go": "package image\n\nconst changed = true\n"})
		}},
	} {
		change.apply()
		key, err := b.key(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if other, seen := keys[key]; seen {
			t.Errorf("after a change of %s the key is that of %s", change.name, other)
		}
		keys[key] = change.name
	}
	before, err := b.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, b.cluster, map[string]string{"greet/ho/main_test.go": "package main\n", "image/push.go": "package image\n", "greet/README.md": "read me\n"})
	after, err := b.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Error("tests, texts and what happens to images later change the key")
	}
}

func TestWhatIsHalfBuiltIsNotUsed(t *testing.T) {
	cache := t.TempDir()
	b := newBuilder(t)
	key, err := b.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, cache, map[string]string{key + ".partial1/binaries/hi": "half", key + ".partial1/layout/index.json": "{"})
	references, err := build(t, b, cache).Push(t.Context(), newServer(t).address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(references) != 2 {
		t.Errorf("references %v, want one for each program", references)
	}
	left, err := filepath.Glob(filepath.Join(cache, "*.partial*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestWhatDoesNotCompileIsNotKept(t *testing.T) {
	cache := t.TempDir()
	b := newBuilder(t)
	write(t, b.cluster, map[string]string{"greet/ho/main.go": "package main\n\nfunc main() { undefinedThing() }\n"})
	_, err := b.cached(t.Context(), cache)
	if err == nil || !strings.Contains(err.Error(), "undefined: undefinedThing") {
		t.Errorf("error %v, want the compiler's own words", err)
	}
	write(t, b.cluster, map[string]string{"greet/ho/main.go": hello})
	build(t, b, cache)
}

func TestCertificatesThatAreNotThereAreNamed(t *testing.T) {
	_, err := baseImage(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "ca-certificates") {
		t.Errorf("error %v", err)
	}
}

func TestSourceIsWhatTheModuleRequires(t *testing.T) {
	dir, err := Source(t.Context(), ".", "github.com/google/go-containerregistry")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "pkg", "v1", "layout")); err != nil {
		t.Error(err)
	}
	if _, err := Source(t.Context(), ".", "example.com/absent"); err == nil || !strings.Contains(err.Error(), "example.com/absent") {
		t.Errorf("error %v, want the name of the module that it does not require", err)
	}
}
