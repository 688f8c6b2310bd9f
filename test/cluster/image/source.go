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
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/eventing-ptp/eventing-ptp/test/golang"
)

const thisModule = "github.com/eventing-ptp/eventing-ptp"

// root returns test/cluster of the repository that the working directory is in.
func root(ctx context.Context) (string, error) {
	dir, err := golang.ModuleDir(ctx, thisModule)
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
	out, err := golang.Output(ctx, filepath.Join(cluster, dir), "mod", "download", "-json", module)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", module, err)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &downloaded); err != nil {
		return "", fmt.Errorf("fetch %s: %w", module, err)
	}
	return downloaded.Dir, nil
}
