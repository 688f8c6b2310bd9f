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

package controlplane

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Containers says what becomes of the containers on a node.
type Containers struct {
	// Waiting is the reason for which containers do not run, for example
	// ImagePullBackOff or CrashLoopBackOff. If it is empty, they run and are ready.
	Waiting string
	// Message says more about the reason.
	Message string
	// Unattended leaves pods as they are, those that shall end included, as on a node
	// that has lost its kubelet.
	Unattended bool
}

// AddNodes makes n nodes that are ready and returns their names, n1, n2 and so on. The
// labels are added to those that a kubelet would set. Pods that are scheduled to them
// run and are ready at once; SetContainers changes that.
func (c *ControlPlane) AddNodes(ctx context.Context, n int, labels map[string]string) ([]string, error) {
	var names []string
	for range n {
		c.mu.Lock()
		c.nodes++
		number := c.nodes
		c.mu.Unlock()
		node := newNode(number, labels)
		if err := c.addNode(ctx, node); err != nil {
			return names, fmt.Errorf("add the node %s: %w", node.Name, err)
		}
		names = append(names, node.Name)
	}
	return names, nil
}

func (c *ControlPlane) addNode(ctx context.Context, node *corev1.Node) error {
	nodes := c.client.CoreV1().Nodes()
	created, err := nodes.Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	created.Status = node.Status
	if created, err = nodes.UpdateStatus(ctx, created, metav1.UpdateOptions{}); err != nil {
		return err
	}
	// A new node is tainted as not ready until node-lifecycle, which does not run
	// here, finds that it is (admission plugin TaintNodesByCondition).
	created.Spec.Taints = nil
	_, err = nodes.Update(ctx, created, metav1.UpdateOptions{})
	return err
}

// newNode returns what a kubelet would say about itself.
func newNode(number int, labels map[string]string) *corev1.Node {
	name := fmt.Sprintf("n%d", number)
	all := map[string]string{corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}
	maps.Copy(all, labels)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("4"),
		corev1.ResourceMemory: resource.MustParse("8Gi"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	now := metav1.Now()
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: all},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.0.2.%d", 2+number%250)},
				{Type: corev1.NodeHostName, Address: name},
			},
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
				LastHeartbeatTime: now, LastTransitionTime: now,
			}},
		},
	}
}

// SetContainers changes what becomes of the containers on a node, of pods that are
// there as well as of those to come.
func (c *ControlPlane) SetContainers(node string, containers Containers) {
	c.kubelet.set(node, containers)
}

// kubelet plays the kubelets of all nodes: it says how the containers of scheduled
// pods are, and removes the pods that shall end.
type kubelet struct {
	client   kubernetes.Interface
	informer cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[cache.ObjectName]
	cancel   context.CancelFunc
	ended    sync.WaitGroup

	mu    sync.Mutex
	nodes map[string]Containers
	pods  int // that got an address
}

// kubeletWorkers is how many pods are looked after at a time.
const kubeletWorkers = 4

// startKubelet starts to watch all pods.
func startKubelet(client kubernetes.Interface) (*kubelet, error) {
	ctx, cancel := context.WithCancel(context.Background())
	k := &kubelet{
		client:   client,
		informer: informers.NewSharedInformerFactory(client, 0).Core().V1().Pods().Informer(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](10*time.Millisecond, time.Second)),
		cancel: cancel,
		nodes:  map[string]Containers{},
	}
	_, err := k.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    k.enqueue,
		UpdateFunc: func(_, pod any) { k.enqueue(pod) },
	})
	k.ended.Go(func() { k.informer.RunWithContext(ctx) })
	for range kubeletWorkers {
		k.ended.Go(func() { k.work(ctx) })
	}
	return k, err
}

// stop returns when nothing is done to pods any more.
func (k *kubelet) stop() {
	k.cancel()
	k.queue.ShutDown()
	k.ended.Wait()
}

func (k *kubelet) enqueue(pod any) {
	k.queue.Add(cache.MetaObjectToName(pod.(*corev1.Pod)))
}

// set changes what becomes of the containers on a node.
func (k *kubelet) set(node string, containers Containers) {
	k.mu.Lock()
	k.nodes[node] = containers
	k.mu.Unlock()
	for _, pod := range k.informer.GetStore().List() {
		if pod.(*corev1.Pod).Spec.NodeName == node {
			k.enqueue(pod)
		}
	}
}

func (k *kubelet) work(ctx context.Context) {
	for {
		name, quit := k.queue.Get()
		if quit {
			return
		}
		if err := k.sync(ctx, name); err != nil {
			k.queue.AddRateLimited(name)
		} else {
			k.queue.Forget(name)
		}
		k.queue.Done(name)
	}
}

// sync does what the kubelet of its node would do to a pod.
func (k *kubelet) sync(ctx context.Context, name cache.ObjectName) error {
	object, exists, err := k.informer.GetStore().GetByKey(name.String())
	if err != nil || !exists {
		return err
	}
	pod := object.(*corev1.Pod)
	k.mu.Lock()
	containers := k.nodes[pod.Spec.NodeName]
	k.mu.Unlock()
	pods := k.client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.Spec.NodeName == "" || containers.Unattended:
		return nil
	case pod.DeletionTimestamp != nil:
		err := pods.Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64),
			Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
		})
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil // it is gone, or there is another one of that name
		}
		return err
	}
	status := podStatus(pod, containers, metav1.Now())
	if status.PodIP == "" {
		status.PodIP = k.address()
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	}
	if equality.Semantic.DeepEqual(pod.Status, status) {
		return nil
	}
	pod = pod.DeepCopy()
	pod.Status = status
	_, err = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// address returns an address for a pod, of 10.244.0.0/16. Whoever listens on all addresses
// of the network namespace is reached there.
func (k *kubelet) address() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pods++
	return fmt.Sprintf("10.244.%d.%d", k.pods/250%256, 1+k.pods%250)
}

// podStatus returns the status of a scheduled pod whose containers are as they are
// said to be. If they were so before, it is the status that the pod has.
func podStatus(pod *corev1.Pod, containers Containers, now metav1.Time) corev1.PodStatus {
	status := *pod.Status.DeepCopy()
	if status.StartTime == nil {
		status.StartTime = &now
	}
	status.HostIP = Address
	status.HostIPs = []corev1.HostIP{{IP: Address}}
	ready := corev1.ConditionFalse
	status.Phase = corev1.PodPending
	switch containers.Waiting {
	case "":
		ready = corev1.ConditionTrue
		status.Phase = corev1.PodRunning
	case "CrashLoopBackOff": // it ran before
		status.Phase = corev1.PodRunning
	}
	status.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(container, containers, *status.StartTime))
	}
	for _, condition := range []corev1.PodConditionType{corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady} {
		value := ready
		if condition == corev1.PodInitialized {
			value = corev1.ConditionTrue
		}
		setCondition(&status, condition, value, now)
	}
	return status
}

func containerStatus(container corev1.Container, containers Containers, since metav1.Time) corev1.ContainerStatus {
	status := corev1.ContainerStatus{Name: container.Name, Image: container.Image}
	started := containers.Waiting == ""
	status.Ready, status.Started = started, &started
	if started {
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: since}
		status.ImageID = container.Image
		return status
	}
	status.State.Waiting = &corev1.ContainerStateWaiting{Reason: containers.Waiting, Message: containers.Message}
	if containers.Waiting == "CrashLoopBackOff" {
		status.RestartCount = 1
		status.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: 1, Reason: "Error", Message: containers.Message, StartedAt: since, FinishedAt: since,
		}
	}
	return status
}

// setCondition changes a condition if it is not so already.
func setCondition(status *corev1.PodStatus, condition corev1.PodConditionType, value corev1.ConditionStatus, now metav1.Time) {
	reason := ""
	if value == corev1.ConditionFalse {
		reason = "ContainersNotReady"
	}
	is := corev1.PodCondition{Type: condition, Status: value, Reason: reason, LastTransitionTime: now}
	i := slices.IndexFunc(status.Conditions, func(c corev1.PodCondition) bool { return c.Type == condition })
	switch {
	case i < 0:
		status.Conditions = append(status.Conditions, is)
	case status.Conditions[i].Status != value:
		status.Conditions[i] = is
	}
}
