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

// Package kube builds Kubernetes' own programs.
package kube

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/test/golang"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// thisModule is the one that this package is in.
const thisModule = "github.com/eventing-ptp/eventing-ptp"

// names are the names by which the binary of test/cluster/kube knows what
// it shall be.
var names = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}

// Programs returns a directory with Kubernetes' programs and etcd. They are built
// once, from the module test/cluster/kube, and kept in the user's cache
// directory; that takes minutes, and progress, if not nil, is told so. The working
// directory must be in this repository. Several processes may call it at once.
func Programs(ctx context.Context, progress io.Writer) (string, error) {
	source, err := golang.ModuleDir(ctx, thisModule)
	if err != nil {
		return "", err
	}
	source = filepath.Join(source, "test", "cluster", "kube")
	key, err := hashFiles(source, "go.mod", "go.sum", "main.go")
	if err != nil {
		return "", fmt.Errorf("read the module of Kubernetes' programs: %w", err)
	}
	cache, err := sandbox.CacheDir("kube")
	if err != nil {
		return "", err
	}
	lock, err := sandbox.Lock(ctx, cache)
	if err != nil {
		return "", err
	}
	defer lock.Close()

	dir := filepath.Join(cache, key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if progress == nil {
		progress = io.Discard
	}
	fmt.Fprintf(progress, "building Kubernetes' programs into %s, once: this takes several minutes\n", dir)
	if err := build(ctx, progress, source, dir); err != nil {
		return "", fmt.Errorf("build Kubernetes' programs: %w", err)
	}
	return dir, nil
}

// build builds into dir, which appears only when it is complete. The caller
// holds the lock.
func build(ctx context.Context, progress io.Writer, source, dir string) error {
	version, err := golang.Output(ctx, source, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	if err != nil {
		return err
	}
	scratch := dir + ".partial" // perhaps left by a build that was interrupted
	if err := os.RemoveAll(scratch); err != nil {
		return err
	}
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return err
	}
	if err := golang.Build(ctx, progress, source, "-buildvcs=false", "-o", filepath.Join(scratch, "kube"),
		"-ldflags", linkerFlags(version), "."); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Symlink("kube", filepath.Join(scratch, name)); err != nil {
			return err
		}
	}
	return os.Rename(scratch, dir)
}

// linkerFlags stamp the version, as Kubernetes' own build does. Knative refuses to
// run on an API server without one (knative.dev/pkg/version).
func linkerFlags(version string) string {
	const component = "k8s.io/component-base/version"
	numbers := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return strings.Join([]string{
		"-s", "-w",
		"-X", component + ".gitVersion=" + version,
		"-X", component + ".gitMajor=" + numbers[0],
		"-X", component + ".gitMinor=" + numbers[1],
		"-X", "k8s.io/client-go/pkg/version.gitVersion=" + version,
	}, " ")
}

// hashFiles returns a short name for the contents of files.
func hashFiles(dir string, names ...string) (string, error) {
	hash := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n", name, len(content))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}
