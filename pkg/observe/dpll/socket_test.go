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

package dpll

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel of this machine may have DPLLs or not: either is known.
func TestDial(t *testing.T) {
	c, err := dial()
	if errors.Is(err, errNone) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.dump(deviceGet); err != nil && !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

// Every kernel has one family, by which the others are found.
func TestSocket(t *testing.T) {
	c, err := connect("nlctrl", "notify")
	if err != nil {
		t.Fatal(err)
	}
	families, err := c.dump(unix.CTRL_CMD_GETFAMILY)
	if err != nil || len(families) == 0 {
		t.Errorf("%d families, %v", len(families), err)
	}
	if _, err := c.dump(99); err == nil {
		t.Error("the kernel has done what it cannot")
	}
	links, err := c.links()
	if err != nil {
		t.Error(err)
	}
	loopback := false
	for _, link := range links {
		iface, _, _, err := parseLink(link)
		if err != nil {
			t.Errorf("%x: %v", link, err)
		}
		loopback = loopback || iface == "lo"
	}
	if !loopback {
		t.Errorf("lo is not among %d network interfaces", len(links))
	}
	ended := make(chan error, 1)
	go func() { ended <- c.wait() }()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a socket that is closed tells of a change")
		}
	case <-time.After(time.Minute):
		t.Error("whoever waits does not notice that the socket is closed")
	}
}

func TestConnectRefuses(t *testing.T) {
	if _, err := connect("no such family", "notify"); !errors.Is(err, errNone) {
		t.Errorf("got %v, want %v", err, errNone)
	}
	const want = `the kernel's DPLLs have no group "no such group" that tells what changes`
	if _, err := connect("nlctrl", "no such group"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
