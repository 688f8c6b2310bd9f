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

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/daemon"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

// status says what runs and what does not.
func status(ctx context.Context, o *options, _ []string) error {
	c, state, err := o.connect()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "cluster\tprocess %d\t%s\n", state.Pid, o.dir)
	fmt.Fprintf(w, "%s\tprocess %d\t%s\n", state.Control.Name, state.Control.Pid, state.Control.Log)
	for _, n := range state.Nodes {
		power := fmt.Sprintf("process %d", n.Pid)
		if n.Pid == 0 {
			power = "no power"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", n.Name, power, n.Log)
	}
	fmt.Fprintf(w, "registry\t%s\t\nkubeconfig\t%s\t\n", state.Registry, state.Kubeconfig)
	if err := w.Flush(); err != nil {
		return err
	}
	nodes, err := c.kubectl(ctx, nil, "get", "nodes", "-o", "wide")
	if err != nil {
		return err
	}
	pods, err := c.kubectl(ctx, nil, "get", "pods", "-A", "--field-selector=status.phase!=Running,status.phase!=Succeeded")
	if err != nil {
		return err
	}
	if pods == "" {
		pods = "all pods run\n"
	}
	fmt.Fprintf(o.out, "\n%s\n%s", nodes, pods)
	return nil
}

func kubeconfig(_ context.Context, o *options, _ []string) error {
	_, state, err := o.connect()
	if err != nil {
		return err
	}
	fmt.Fprintln(o.out, state.Kubeconfig)
	return nil
}

// env prints the environment in which kubectl and ko work on the cluster.
func env(_ context.Context, o *options, _ []string) error {
	_, state, err := o.connect()
	if err != nil {
		return err
	}
	for _, variable := range []string{
		"KUBECONFIG=" + state.Kubeconfig,
		"KO_DOCKER_REPO=" + state.Registry,
		"KO_DEFAULTBASEIMAGE=" + state.Registry + "/" + image.BaseName,
		"PATH=" + state.Programs + ":" + os.Getenv("PATH"),
	} {
		fmt.Fprintln(o.out, "export "+variable)
	}
	return nil
}

// kubectl becomes kubectl.
func kubectl(_ context.Context, o *options, args []string) error {
	_, state, err := o.connect()
	if err != nil {
		return err
	}
	return syscall.Exec(filepath.Join(state.Programs, "kubectl"),
		append([]string{"kubectl", "--kubeconfig=" + state.Kubeconfig}, args...), os.Environ())
}

// logs prints the end of logs: of all programs, of those of a machine, or of one. It works for a cluster that has
// ended, too.
func logs(_ context.Context, o *options, args []string) error {
	pattern := []string{"*", "*"}
	if len(args) > len(pattern) {
		return errors.New("usage: cluster logs [MACHINE [PROGRAM]]")
	}
	copy(pattern, args)
	paths, err := filepath.Glob(filepath.Join(o.dir, "machines", pattern[0], "log", pattern[1]+".log"))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		paths = append([]string{daemon.Log(o.dir)}, paths...)
	}
	if len(paths) == 0 {
		return fmt.Errorf("no log of %s below %s", strings.Join(args, " "), o.dir)
	}
	for _, path := range paths {
		fmt.Fprintf(o.out, "==> %s\n%s\n\n", path, strings.TrimRight(lastLines(path, o.lines), "\n"))
	}
	return nil
}

// node changes a node, and waits until the cluster knows.
func node(ctx context.Context, o *options, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: cluster node add|remove|stop|start NAME")
	}
	verb, name := args[0], args[1]
	switch verb {
	case "add", "remove", "stop", "start":
	default:
		return fmt.Errorf("%q is none of add, remove, stop, start", verb)
	}
	c, _, err := o.connect()
	if err != nil {
		return err
	}
	if err := daemon.Command(ctx, o.dir, name, verb); err != nil {
		return err
	}
	switch verb {
	case "add", "start":
		return c.awaitNode(ctx, name)
	case "remove":
		_, err := c.kubectl(ctx, nil, "delete", "node", name, "--ignore-not-found")
		return err
	}
	return nil
}
