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

package v1alpha1

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"knative.dev/pkg/apis"
)

func validateNodeSelector(selector map[string]string) *apis.FieldError {
	var errs *apis.FieldError
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		field := atKey("nodeSelector", key)
		if len(content.IsLabelKey(key)) > 0 {
			errs = errs.Also(apis.ErrInvalidKeyName(key, field, "must be the name of a label, for example ptp or example.com/ptp"))
		}
		if value := selector[key]; len(content.IsLabelValue(value)) > 0 {
			errs = errs.Also(refuse(field, value, "must be at most 63 letters, digits, -, _ and ., with a letter or digit first and last, for example grandmaster"))
		}
	}
	return errs
}

func validateTolerations(tolerations []corev1.Toleration) *apis.FieldError {
	var errs *apis.FieldError
	for i := range tolerations {
		errs = errs.Also(validateToleration(&tolerations[i]).ViaFieldIndex("tolerations", i))
	}
	return errs
}

// validateToleration has the rules that the API server would apply to the DaemonSet.
func validateToleration(t *corev1.Toleration) *apis.FieldError {
	var errs *apis.FieldError
	if t.Key != "" && len(content.IsLabelKey(t.Key)) > 0 {
		errs = errs.Also(refuse("key", t.Key, "must be the key of a taint, for example node-role.kubernetes.io/control-plane"))
	}
	if t.Key == "" && t.Operator != corev1.TolerationOpExists {
		errs = errs.Also(refuse("operator", string(t.Operator), "must be Exists when there is no key, which tolerates every taint"))
	}
	switch t.Operator {
	case corev1.TolerationOpEqual, "":
		if len(content.IsLabelValue(t.Value)) > 0 {
			errs = errs.Also(refuse("value", t.Value, "must be the value of a taint: at most 63 letters, digits, -, _ and ., for example true"))
		}
	case corev1.TolerationOpExists:
		if t.Value != "" {
			errs = errs.Also(refuse("value", t.Value, "must be left out with operator Exists, which looks at the key alone"))
		}
	case corev1.TolerationOpLt, corev1.TolerationOpGt:
		if _, err := strconv.ParseInt(t.Value, 10, 64); err != nil {
			errs = errs.Also(refuse("value", t.Value, "must be a whole number with operator %s, for example 10", t.Operator))
		}
	default:
		errs = errs.Also(refuse("operator", string(t.Operator), "must be Exists, Equal, Lt or Gt, for example Exists"))
	}
	switch t.Effect {
	case "", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
	default:
		errs = errs.Also(refuse("effect", string(t.Effect), "must be NoSchedule, PreferNoSchedule or NoExecute, or be left out to tolerate all three"))
	}
	if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
		errs = errs.Also(refuse("tolerationSeconds", *t.TolerationSeconds, "must go with effect NoExecute, or be left out to stay for ever"))
	}
	return errs
}

func validateResources(r *corev1.ResourceRequirements) *apis.FieldError {
	if r == nil {
		return nil
	}
	errs := validateResourceList("limits", r.Limits).Also(validateResourceList("requests", r.Requests))
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request, limit := r.Requests[name], r.Limits[name]
		if _, ok := r.Limits[name]; ok && request.Cmp(limit) > 0 {
			errs = errs.Also(refuse(atKey("requests", string(name)), request.String(), "must be at most the limit, which is %s", limit.String()))
		}
	}
	for i, claim := range r.Claims {
		errs = errs.Also(refuse(atIndex("claims", i), claim.Name, "is not supported by this version, whose adapters have no resource claims; leave it out"))
	}
	return errs
}

func validateResourceList(field string, list corev1.ResourceList) *apis.FieldError {
	var errs *apis.FieldError
	for _, name := range slices.Sorted(maps.Keys(list)) {
		path, quantity := atKey(field, string(name)), list[name]
		if !isResourceName(string(name)) {
			errs = errs.Also(apis.ErrInvalidKeyName(string(name), path, "must be a resource of a container, for example cpu, memory or example.com/ptp"))
		}
		if quantity.Sign() < 0 {
			errs = errs.Also(refuse(path, quantity.String(), "must be 0 or more, for example 64Mi of memory"))
		}
	}
	return errs
}

func isResourceName(name string) bool {
	if len(content.IsLabelKey(name)) > 0 {
		return false
	}
	switch corev1.ResourceName(name) {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return true
	}
	return strings.Contains(name, "/") || strings.HasPrefix(name, corev1.ResourceHugePagesPrefix)
}

func validatePriorityClassName(name string) *apis.FieldError {
	if name == "" || len(content.IsDNS1123Subdomain(name)) == 0 {
		return nil
	}
	return refuse("priorityClassName", name, "must be the name of a PriorityClass, for example system-node-critical")
}
