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
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/test/vm"
)

// costConfig watches everything as it is watched by default.
const costConfig = `
linuxptp: {sockets: [/run/ptp4l]}
hardwareClock: {enabled: true}
osClock: {enabled: true}
gnss: {enabled: true}
synce: {enabled: true}
`

// measureCost says how much processor time an adapter takes that watches everything while all
// is well.
func (s *stage) measureCost() error {
	if err := serveGPSD(); err != nil {
		return err
	}
	adapter, err := s.startAdapter(costConfig, s.sink+"/cost")
	if err != nil {
		return err
	}
	time.Sleep(20 * time.Second) // until it has settled
	before, err := adapter.processorTime()
	if err != nil {
		return err
	}
	start := time.Now()
	time.Sleep(time.Minute)
	after, err := adapter.processorTime()
	if err != nil {
		return err
	}
	m := vm.Mark{Name: "cost", Used: after - before, During: time.Since(start)}
	if err := adapter.signal(unix.SIGTERM); err != nil {
		return err
	}
	<-adapter.ended
	return s.say(m)
}

// processorTime is what all threads of a program have run (proc_pid_schedstat(5)): to the
// nanosecond, where the times in stat are as exact as the kernel's ticks.
func (p *program) processorTime() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("%s has no threads: %w", p.Path, err)
	}
	var all time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			return 0, err
		}
		run, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(run, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", thread, err)
		}
		all += time.Duration(ns)
	}
	return all, nil
}

// serveGPSD answers as gpsd does that has one receiver with a fix, once a second.
func serveGPSD() error {
	listener, err := net.Listen("tcp", "127.0.0.1:2947")
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go speakGPSD(conn)
		}
	}()
	return nil
}

func speakGPSD(conn net.Conn) {
	defer conn.Close()
	asked := make(chan string)
	go func() {
		defer close(asked)
		for scanner := bufio.NewScanner(conn); scanner.Scan(); {
			asked <- scanner.Text()
		}
	}()
	satellites := strings.Repeat(`,{"PRN":7,"gnssid":0,"svid":7,"az":118.0,"el":36.0,"ss":41.0,"used":true}`, 20)[1:]
	report := time.NewTicker(time.Second)
	defer report.Stop()
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	say(`{"class":"VERSION","release":"3.25","rev":"3.25","proto_major":3,"proto_minor":15}`)
	for {
		select {
		case request, ok := <-asked:
			if !ok {
				return
			}
			if strings.HasPrefix(request, "?WATCH") || strings.HasPrefix(request, "?DEVICES") {
				say(`{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/gnss0","driver":"u-blox","activated":"2026-01-01T00:00:00.000Z","flags":1,"cycle":1.00}]}`)
			}
		case <-report.C:
			say(`{"class":"SKY","device":"/dev/gnss0","nSat":20,"uSat":20,"satellites":[` + satellites + `]}`)
			say(`{"class":"TPV","device":"/dev/gnss0","mode":3,"time":"2026-01-01T00:00:00.000Z","lat":48.1,"lon":11.5,"altHAE":560.0}`)
		}
	}
}
