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

package pmc_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Tell the offset of a clock on every Sync, and when ptp4l has gone.
func Example() {
	ctx := context.Background()
	client, err := pmc.Dial(ctx, pmc.Config{Socket: "/var/run/ptp4l"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	samples := pmc.Subscription{Events: pmc.Events(pmc.NotifyTimeSync), Interval: time.Second / 16}
	if err := client.Subscribe(ctx, samples); err != nil {
		log.Print(err)
		return
	}
	for {
		select {
		case <-client.Done():
			fmt.Println(client.Err())
			return
		case <-client.Wait():
		}
		for push, ok := client.Next(); ok; push, ok = client.Next() {
			var status pmc.TimeStatusNP
			if err := status.UnmarshalBinary(push.Data); err != nil {
				continue
			}
			fmt.Printf("%v: %d ns\n", push.At, status.MasterOffset)
		}
	}
}
