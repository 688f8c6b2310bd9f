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

// Command guest is what runs in a test VM (package vm): it starts real ptp4l, phc2sys and the
// receive adapter, breaks their clocks one after the other, and says on its standard output
// what it has done when. It is of no use anywhere else, and harmful on a machine whose clock
// matters.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "guest: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	sink := flag.String("sink", "", "`URL` that events go to")
	scripts := flag.Int("scripts", 0, "`number` of random scripts to play, instead of what is always played")
	seed := flag.Uint64("seed", 0, "of the scripts")
	flag.Parse()
	if flag.NArg() == 3 && flag.Arg(0) == "stamps" {
		message, err := strconv.ParseUint(flag.Arg(2), 0, 8)
		if err != nil {
			return err
		}
		return stamps(flag.Arg(1), uint32(message))
	}
	if _, err := os.Stat("/dev/vport0p4"); err != nil || os.Getppid() != 1 {
		return errors.New("this is no test VM; see package vm")
	}
	s := &stage{sink: *sink}
	defer s.end()
	if *scripts > 0 {
		return s.playScripts(*seed, *scripts)
	}
	return s.play()
}
