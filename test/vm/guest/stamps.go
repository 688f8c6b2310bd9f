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
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Registers of the 82576 (its datasheet, 8.16).
const (
	tsyncrxcfg = 0x5F50
	rxsatrh    = 0xB630
	registers  = 0x20000
)

// etherTypePTP is that of PTP over Ethernet, in the order of the network.
const etherTypePTP = 0xF788

// stamps keeps QEMU's igb stamping PTP messages of one type that are received. Its model
// (hw/net/igb_core.c, 8.0 to 10.0) differs from what Linux' driver expects in two ways:
//
//   - It stamps messages only whose first octet is in bits 8 to 15 of TSYNCRXCFG, where the
//     driver writes 0, which is Sync: a grandmaster gets no stamp of Delay_Req, which is 1.
//   - A stamp must be taken from the registers before there is another. QEMU sees that when
//     RXSATRH is read, and the driver reads the others only.
//
// A packet socket has a message after the driver has taken its stamp, so that to read RXSATRH
// then loses none. Of a driver's registers, user space may have them with iomem=relaxed.
func stamps(iface string, message uint32) error {
	file, err := os.OpenFile("/sys/class/net/"+iface+"/device/resource0", os.O_RDWR|os.O_SYNC, 0)
	if err != nil {
		return err
	}
	memory, err := unix.Mmap(int(file.Fd()), 0, registers, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the registers of %s: %w", iface, err)
	}
	register := func(at int) *uint32 { return (*uint32)(unsafe.Pointer(&memory[at])) }

	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, etherTypePTP)
	if err != nil {
		return fmt.Errorf("listen to PTP on %s: %w", iface, err)
	}
	i, err := net.InterfaceByName(iface)
	if err != nil {
		return err
	}
	if err := unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: etherTypePTP, Ifindex: i.Index}); err != nil {
		return fmt.Errorf("listen to PTP on %s: %w", iface, err)
	}
	wait := unix.NsecToTimeval(int64(200 * time.Millisecond))
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return err
	}
	frame := make([]byte, 256)
	config := message << 8
	others := 0
	atomic.LoadUint32(register(rxsatrh))
	for {
		// A reset of the card clears it: link up, SIOCSHWTSTAMP.
		if config != 0 && atomic.LoadUint32(register(tsyncrxcfg)) != config {
			atomic.StoreUint32(register(tsyncrxcfg), config)
		}
		n, _, err := unix.Recvfrom(socket, frame, 0)
		if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ENETDOWN) {
			return fmt.Errorf("listen to PTP on %s: %w", iface, err)
		}
		if err != nil || n < 15 {
			continue
		}
		// Only after a message of the type that is stamped: after another one there may be one
		// in the queue that the driver has not seen yet.
		if uint32(frame[14]) == message {
			others = 32
		}
		if others++; others > 32 {
			atomic.LoadUint32(register(rxsatrh))
			others = 0
		}
	}
}

// scaled is ppm with 16 binary places, as adjtimex(2) has frequencies.
func scaled(ppm float64) int64 { return int64(ppm * (1 << 16)) }
