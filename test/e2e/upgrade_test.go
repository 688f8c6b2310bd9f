//go:build e2e

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

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
)

// upgradeVariable names the YAML of another version, which hack/e2e.sh makes.
const upgradeVariable = "E2E_UPGRADE"

// The YAML of another version is applied over this one, as docs/install.md says: every program
// is replaced, nothing of the user's is touched, and the books show that no event is missing.
func TestUpgrade(t *testing.T) {
	always := always.in(t)
	path := os.Getenv(upgradeVariable)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%s must name the YAML of another version: %v", upgradeVariable, err)
	}
	image := always.DaemonSet(always.Get("direct")).Spec.Template.Spec.Containers[0].Image
	if strings.Contains(string(text), image) {
		t.Fatalf("%s is of the version that is installed: this test would see nothing", path)
	}
	generation := always.Get("direct").Generation

	began := time.Now()
	always.replaced(func() {
		if _, err := cluster.Kubectl(t.Context(), "apply", "-f", path); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{kit.Controller, kit.Webhook} {
			if _, err := cluster.Kubectl(t.Context(), "-n", kit.System, "rollout", "status", "deployment/"+name, "--timeout", "90s"); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Logf("everything was replaced within %v", time.Since(began).Round(100*time.Millisecond))
	if now := always.DaemonSet(always.Get("direct")).Spec.Template.Spec.Containers[0].Image; !strings.Contains(string(text), now) {
		t.Errorf("the image of the adapters was %s and is %s", image, now)
	}
	if now := always.Get("direct").Generation; now != generation {
		t.Errorf("the spec was generation %d and is %d", generation, now)
	}
	config, err := cluster.Kube.CoreV1().ConfigMaps(kit.System).Get(t.Context(), "config-ptp", metav1.GetOptions{})
	if err != nil || config.Data["lock-offset"] != "10ms" {
		t.Errorf("config-ptp was changed: %v: %v", config.Data, err)
	}
	always.lives()
}
