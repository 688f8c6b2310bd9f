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

// Cluster runs a real Kubernetes cluster with Knative on one Linux machine, for trying out and for testing: every node is
// a set of namespaces, and everything but containerd, runc and the CNI plugins is built from Go modules.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/daemon"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/machine"
)

// command is something that the tool can do.
type command struct {
	name, arguments, help string
	run                   func(context.Context, *options, []string) error
}

func commands() []command {
	return []command{
		{"up", "", "build what is missing, start the cluster, and install Knative", up},
		{"down", "", "end the cluster and remove every trace of it, but for what was built", down},
		{"status", "", "say what runs, and what does not", status},
		{"kubeconfig", "", "print the path of a kubeconfig for the cluster", kubeconfig},
		{"env", "", "print what a shell needs to use the cluster, for eval", env},
		{"kubectl", "ARGUMENTS...", "run kubectl on the cluster", kubectl},
		{"logs", "[MACHINE [PROGRAM]]", "print the end of logs", logs},
		{"node", "add|remove|stop|start NAME", "change the nodes; to stop one is to take its power away", node},
		{"build", "", "build all that up needs, and start nothing", build},
	}
}

// options are the flags.
type options struct {
	dir         string
	nodes       int
	certManager bool
	lines       int
	out         io.Writer
}

// daemonCommand is the argument with which this program starts itself as the process that the cluster lives in.
const daemonCommand = "daemon"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == machine.Command {
		return machine.Init(os.Stdin)
	}
	if len(args) > 0 && args[0] == daemonCommand {
		return runDaemon(ctx, args[1:])
	}
	o := &options{out: os.Stdout}
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.dir, "dir", "/var/lib/eventing-ptp-cluster", "`directory` of the cluster; one cluster each")
	flags.IntVar(&o.nodes, "nodes", 2, "`number` of nodes that up starts: n1, n2, ...")
	flags.BoolVar(&o.certManager, "cert-manager", false, "install cert-manager and certificates for Eventing, for TLS and OIDC")
	flags.IntVar(&o.lines, "lines", 20, "`number` of lines of each log")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(flags)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; see cluster -help", err)
	}
	if flags.NArg() == 0 {
		usage(flags)
		return errors.New("say what to do")
	}
	name, rest := flags.Arg(0), flags.Args()[1:]
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		if c.name != "kubectl" { // whose flags are its own
			if err := flags.Parse(rest); err != nil { // flags may stand behind the command, too
				return fmt.Errorf("%w; see cluster -help", err)
			}
			rest = flags.Args()
		}
		return c.run(ctx, o, rest)
	}
	return fmt.Errorf("%q is no command; see cluster -help", name)
}

func usage(flags *flag.FlagSet) {
	fmt.Print("cluster runs a Kubernetes cluster with Knative in namespaces of this machine. It needs root.\n\n")
	for _, c := range commands() {
		fmt.Printf("  cluster %-34s %s\n", strings.TrimSpace(c.name+" "+c.arguments), c.help)
	}
	fmt.Print("\nFlags, before or behind the command:\n")
	flags.SetOutput(os.Stdout)
	flags.PrintDefaults()
}

// runDaemon is the process that the cluster lives in. Only up starts it.
func runDaemon(ctx context.Context, args []string) error {
	var o daemon.Options
	var nodes string
	flags := flag.NewFlagSet(daemonCommand, flag.ContinueOnError)
	flags.StringVar(&o.Dir, "dir", "", "")
	flags.StringVar(&o.Programs, "programs", "", "")
	flags.StringVar(&o.Images, "images", "", "")
	flags.StringVar(&nodes, "nodes", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.Nodes = strings.Split(nodes, ",")
	return daemon.Run(ctx, o, log.New(os.Stderr, "", log.LstdFlags))
}
