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
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/test/kube"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

const thisModule = "github.com/eventing-ptp/eventing-ptp"

// root returns test/cluster of the repository that the working directory is in.
func root(ctx context.Context) (string, error) {
	dir, err := kube.ModuleDir(ctx, thisModule)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "test", "cluster"), nil
}

// Source returns where the source of a module is that the module in dir, below
// test/cluster, requires. It is fetched if need be.
func Source(ctx context.Context, dir, module string) (string, error) {
	cluster, err := root(ctx)
	if err != nil {
		return "", err
	}
	out, err := goOutput(ctx, filepath.Join(cluster, dir), "mod", "download", "-json", module)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", module, err)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &downloaded); err != nil {
		return "", fmt.Errorf("fetch %s: %w", module, err)
	}
	return downloaded.Dir, nil
}

// goOutput runs the go command and returns what it prints; an error carries the
// command's own last words.
func goOutput(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// Without cgo a program needs nothing of the image that it is in; without a workspace
	// a module is what its own go.mod says.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOWORK=off", "GOFLAGS=-mod=readonly")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, sandbox.LastLines(stderr.String(), 10))
	}
	return strings.TrimSpace(stdout.String()), nil
}
