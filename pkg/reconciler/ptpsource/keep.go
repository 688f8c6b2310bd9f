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

package ptpsource

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// objects are those of one kind in one namespace: what a typed client of Kubernetes is.
type objects[T any] interface {
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
	Create(ctx context.Context, object T, options metav1.CreateOptions) (T, error)
	Update(ctx context.Context, object T, options metav1.UpdateOptions) (T, error)
	Delete(ctx context.Context, name string, options metav1.DeleteOptions) error
}

// cached are the same in the cache of an informer.
type cached[T any] interface {
	Get(name string) (T, error)
}

// keeper keeps objects of one kind as they should be.
type keeper[T metav1.Object] struct {
	kind  string
	cache cached[T]
	api   objects[T]
	// ours is whether an object of the right name is ours to change.
	ours func(live T) bool
	// overlay returns live as it should be, and whether that differs.
	overlay func(want, live T) (T, bool)
}

// change is what was done to an object.
type change int

const (
	nothing change = iota
	created
	updated
	deleted
)

// keep makes the object be as wanted and returns it. It writes only what differs.
func (k keeper[T]) keep(ctx context.Context, want T) (T, change, error) {
	live, err := k.cache.Get(want.GetName())
	if apierrors.IsNotFound(err) {
		live, err = k.api.Create(ctx, want, metav1.CreateOptions{})
		if err == nil {
			return live, created, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return live, nothing, k.wrap("create", want, err)
		}
		// The cache is behind, or the object is of somebody else and not in it.
		live, err = k.api.Get(ctx, want.GetName(), metav1.GetOptions{})
	}
	if err != nil {
		return live, nothing, k.wrap("get", want, err)
	}
	live, changed, err := k.update(ctx, want, live)
	if apierrors.IsConflict(err) {
		// The cache is behind.
		if live, err = k.api.Get(ctx, want.GetName(), metav1.GetOptions{}); err != nil {
			return live, nothing, k.wrap("get", want, err)
		}
		live, changed, err = k.update(ctx, want, live)
	}
	return live, changed, err
}

func (k keeper[T]) update(ctx context.Context, want, live T) (T, change, error) {
	if !k.ours(live) {
		return live, nothing, fmt.Errorf("%s %s/%s exists and is not of this PtpSource: delete it, or rename the PtpSource",
			k.kind, want.GetNamespace(), want.GetName())
	}
	next, differs := k.overlay(want, live)
	if !differs {
		return live, nothing, nil
	}
	written, err := k.api.Update(ctx, next, metav1.UpdateOptions{})
	if err != nil {
		return live, nothing, k.wrap("update", want, err)
	}
	if v := written.GetResourceVersion(); v != "" && v == live.GetResourceVersion() {
		// Somebody undoes our changes on their way, such as an admission webhook.
		return written, nothing, nil
	}
	return written, updated, nil
}

// remove deletes the object of a name, if it is there and ours. It believes the cache.
func (k keeper[T]) remove(ctx context.Context, want metav1.Object) (change, error) {
	live, err := k.cache.Get(want.GetName())
	return k.delete(ctx, want, live, err)
}

// removeNow is remove without believing the cache: when there is no next time, an object
// that was made a moment ago must not be missed.
func (k keeper[T]) removeNow(ctx context.Context, want metav1.Object) (change, error) {
	live, err := k.api.Get(ctx, want.GetName(), metav1.GetOptions{})
	return k.delete(ctx, want, live, err)
}

func (k keeper[T]) delete(ctx context.Context, want metav1.Object, live T, err error) (change, error) {
	if apierrors.IsNotFound(err) {
		return nothing, nil
	}
	if err != nil {
		return nothing, k.wrap("get", want, err)
	}
	if !k.ours(live) || live.GetDeletionTimestamp() != nil {
		return nothing, nil
	}
	// Only the one that was looked at: another may have its name by now.
	uid := live.GetUID()
	err = k.api.Delete(ctx, live.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nothing, nil
	}
	if err != nil {
		return nothing, k.wrap("delete", want, err)
	}
	return deleted, nil
}

func (k keeper[T]) wrap(verb string, object metav1.Object, err error) error {
	return fmt.Errorf("%s %s %s/%s: %w", verb, k.kind, object.GetNamespace(), object.GetName(), err)
}

// overlayMeta sets the labels and annotations that are wanted, keeps those of others, and
// returns whether that changed live.
func overlayMeta(want, live metav1.Object) bool {
	labels, l := overlay(want.GetLabels(), live.GetLabels())
	annotations, a := overlay(want.GetAnnotations(), live.GetAnnotations())
	live.SetLabels(labels)
	live.SetAnnotations(annotations)
	return l || a
}

func overlay(want, live map[string]string) (map[string]string, bool) {
	differs := false
	for key, value := range want {
		if old, ok := live[key]; ok && old == value {
			continue
		}
		if live == nil {
			live = make(map[string]string, len(want))
		}
		live[key] = value
		differs = true
	}
	return live, differs
}
