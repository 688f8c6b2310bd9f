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

// Command lab runs a small PTP network of real ptp4l instances and breaks it on
// demand.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

const usage = `lab runs a small PTP network of real ptp4l instances in network namespaces and
breaks it on demand. It never touches this machine's clock, and leaves nothing
behind when it ends, however it ends.

  lab up [flags]           build a lab, print its sockets, then do what is typed
  lab install [VERSION...] fetch linuxptp into the cache, 3.1.1 and 4.2 unless named
  lab check                say whether labs can run here

Lines that a running lab understands (it ends at the end of input or on
interrupt):

`

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "up":
		return up(ctx, args, in, out)
	case "install":
		return install(ctx, args, out)
	case "check":
		return lab.Check()
	case "", "help", "-h", "-help", "--help":
		fmt.Fprint(out, usage, lab.Usage(), "\nFlags of up:\n\n")
		flags(new(lab.Options), out).PrintDefaults()
		return nil
	}
	return fmt.Errorf("unknown command %q: it is up, install, check or help", command)
}

func install(ctx context.Context, versions []string, out io.Writer) error {
	if len(versions) == 0 {
		versions = []string{"3.1.1", "4.2"}
	}
	for _, version := range versions {
		found, err := lab.Find(ctx, version)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "linuxptp %s: %s\n", found.Version, found.Path())
	}
	return nil
}

// flags declares the flags of up, which fill in o.
func flags(o *lab.Options, out io.Writer) *flag.FlagSet {
	*o = lab.DefaultOptions()
	f := flag.NewFlagSet("lab up", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar((*string)(&o.Topology), "topology", string(o.Topology), fmt.Sprintf("one of %v", lab.Topologies()))
	f.StringVar(&o.Version, "version", o.Version, fmt.Sprintf("of linuxptp, one of %v", lab.Versions()))
	f.StringVar((*string)(&o.Transport), "transport", string(o.Transport), "L2 or UDPv4")
	f.Func("domain", "PTP domain `number` (default 0)", integer(&o.Domain))
	f.Func("sync", "log2 of the Sync interval in `seconds` (default -3)", integer(&o.LogSync))
	f.Func("announce", "log2 of the Announce interval in `seconds` (default 0); -3 makes faults show fast", integer(&o.LogAnnounce))
	f.Func("class", "clockClass `number` of the grandmasters (default 6)", integer(&o.ClockClass))
	f.BoolVar(&o.SlaveOnly, "slave-only", o.SlaveOnly, "followers never become grandmaster")
	f.Func("nodes", "`file` state.json of a cluster of test/cluster: the followers run on its nodes", func(path string) (err error) {
		o.Topology = lab.Fleet
		o.Machines, err = lab.Machines(path)
		return err
	})
	f.StringVar(&o.Dir, "dir", "", "`directory` for sockets, configurations and logs (default a temporary one)")
	return f
}

// integer parses a flag into an integer of any size.
func integer[T int8 | uint8](to *T) func(string) error {
	return func(text string) error {
		var n T
		if _, err := fmt.Sscanf(text, "%d", &n); err != nil || fmt.Sprint(n) != text {
			return errors.New("not an integer of one byte")
		}
		*to = n
		return nil
	}
}

func up(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var o lab.Options
	f := flags(&o, out)
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	began := time.Now()
	l, err := lab.Build(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s on linuxptp %s, up in %.1f s\n\n", o.Topology, o.Version, time.Since(began).Seconds())
	err = describe(l, out)
	if err == nil {
		err = operate(ctx, l, in, out)
	}
	return errors.Join(err, l.Close())
}

// describe prints what one needs in order to connect to the lab.
func describe(l *lab.Lab, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLOCK\tPID\tINTERFACES\tSOCKET")
	for _, c := range l.Clocks() {
		var interfaces []string
		for _, p := range c.Ports() {
			interfaces = append(interfaces, p.Interface()+" to "+p.Peer().String())
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", c.Name(), c.Pid(), strings.Join(interfaces, ", "), c.Socket())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprint(out, "\nLogs and configurations are beside the sockets. Type help for what can be done.\n\n")
	return nil
}

// operate does what the lines of in say and prints what changes, until in ends
// or ctx is done. It fails if a line did.
func operate(ctx context.Context, l *lab.Lab, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := newWatch(l, out)
	go w.run(ctx)
	lines := read(ctx, in)
	failed := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			switch {
			case !ok && failed > 0:
				return fmt.Errorf("%d of the lines failed, see above", failed)
			case !ok:
				return nil
			case line == "help":
				w.printf("%s", lab.Usage())
			case line != "" && !strings.HasPrefix(line, "#") && !w.do(ctx, line):
				failed++
			}
		}
	}
}

// read returns the lines of in. A read from a terminal cannot be interrupted, so
// its goroutine may stay behind until the process ends.
func read(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			select {
			case lines <- strings.TrimSpace(scanner.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
