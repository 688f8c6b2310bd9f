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

package component

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

// nameOf names an object in messages.
func nameOf(o *unstructured.Unstructured) string {
	return o.GetKind() + " " + strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/")
}

// isForCrowds is whether an object is about having more than one replica.
func isForCrowds(o *unstructured.Unstructured) bool {
	return o.GetKind() == "HorizontalPodAutoscaler" || o.GetKind() == "PodDisruptionBudget"
}

// makeSmall makes a Deployment fit on two nodes that share two cores: one replica, next
// to nothing requested, so that all is scheduled, and no limits, because a program that is
// throttled while it starts misses its probes. A program is asked from the start whether
// it is ready, because a probe that waits for 20 s makes every start take that long.
// Nothing but a Deployment runs programs here.
func makeSmall(o *unstructured.Unstructured) error {
	// The controller manager fills in the rules of such a role. Who applies an empty list
	// again takes them away until it has noticed.
	if _, aggregated := o.Object["aggregationRule"]; aggregated {
		delete(o.Object, "rules")
	}
	switch o.GetKind() {
	case "Deployment":
	case "StatefulSet", "DaemonSet", "Job", "CronJob":
		return fmt.Errorf("a %s, and only Deployments are made to fit", o.GetKind())
	default:
		return nil
	}
	// 0 is for what its controller starts when it is needed.
	if replicas, found, _ := unstructured.NestedInt64(o.Object, "spec", "replicas"); !found || replicas > 1 {
		if err := unstructured.SetNestedField(o.Object, int64(1), "spec", "replicas"); err != nil {
			return err
		}
	}
	containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return err
	}
	for _, c := range containers {
		container := c.(map[string]any)
		container["resources"] = map[string]any{"requests": map[string]any{"cpu": "5m", "memory": "10Mi"}}
		if probe, ok := container["readinessProbe"].(map[string]any); ok {
			delete(probe, "initialDelaySeconds")
			probe["periodSeconds"] = int64(1)
		}
	}
	return unstructured.SetNestedSlice(o.Object, containers, "spec", "template", "spec", "containers")
}

// setData sets entries of a ConfigMap.
func setData(o *unstructured.Unstructured, entries map[string]string) error {
	for key, value := range entries {
		if err := unstructured.SetNestedField(o.Object, value, "data", key); err != nil {
			return err
		}
	}
	return nil
}

// koScheme is what ko has before the import path of a program.
const koScheme = "ko://"

// notBuilt is a registry that nobody has, for programs that are not built: an image by
// such a name says in the pod's status what is the matter.
const notBuilt = "not-built.invalid/"

// resolve replaces the import paths of programs by their images, in a copy.
func resolve(object map[string]any, images image.References, without []string) (map[string]any, error) {
	resolved, err := resolveValue(object, images, without)
	if err != nil {
		return nil, err
	}
	return resolved.(map[string]any), nil
}

func resolveValue(value any, images image.References, without []string) (any, error) {
	var err error
	switch value := value.(type) {
	case map[string]any:
		resolved := make(map[string]any, len(value))
		for key, v := range value {
			if resolved[key], err = resolveValue(v, images, without); err != nil {
				return nil, err
			}
		}
		return resolved, nil
	case []any:
		resolved := make([]any, len(value))
		for i, v := range value {
			if resolved[i], err = resolveValue(v, images, without); err != nil {
				return nil, err
			}
		}
		return resolved, nil
	case string:
		program, found := strings.CutPrefix(value, koScheme)
		if !found {
			return value, nil
		}
		if reference, found := images[program]; found {
			return reference, nil
		}
		if slices.Contains(without, program) {
			return notBuilt + program, nil
		}
		return nil, fmt.Errorf("no image of %s", program)
	default:
		return value, nil
	}
}

// kinds are those that others need to be there first, in this order. What is of no kind
// here comes between them and the programs.
var kinds = [...]string{
	"CustomResourceDefinition",
	"Namespace",
	"ServiceAccount",
	"ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", // before the programs that cannot start without
	"ConfigMap", "Secret", "Service",
}

// sortForApply puts objects in the order in which they are applied.
func sortForApply(objects []*unstructured.Unstructured) {
	rank := func(o *unstructured.Unstructured) int {
		if o.GetKind() == "Deployment" {
			return len(kinds) + 1
		}
		if i := slices.Index(kinds[:], o.GetKind()); i >= 0 {
			return i
		}
		return len(kinds)
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return cmp.Compare(rank(a), rank(b)) })
}
