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

package lab

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxOffset is the largest offset that a correctionField can carry: it is a
// signed 64-bit count of 2^-16 ns (IEEE 1588-2019, 13.3.2.9).
const maxOffset = time.Duration(math.MaxInt64 >> 16)

// InjectOffset makes a running follower see its clock ahead of its master's by
// offset more than it is, from the next Sync on. Zero ends it. It returns the
// time just before.
//
// It does what a faulty transparent clock on the cable would do: it adds
// -offset to the correctionField of each Follow_Up and +offset to that of each
// Delay_Resp that the clock receives. The offset from master, t2 - t1 -
// correction - meanPathDelay, grows by offset, the mean path delay stays (IEEE
// 1588-2019, 11.2 and 11.3). No clock is touched and nothing is restarted; it
// stays in force over a restart of ptp4l. The one path delay sample that is
// under way may be off, which ptp4l's median filter removes.
//
// The change is made by a BPF program on the clock's interfaces (generic XDP,
// Linux 5.9), so it costs no time and adds no jitter.
func (c *Clock) InjectOffset(offset time.Duration) (time.Time, error) {
	return c.verb("inject an offset into", func() (time.Time, error) {
		if offset.Abs() > maxOffset {
			return time.Now(), fmt.Errorf("%v does not fit a correctionField", offset)
		}
		program, err := loadProgram(correctionProgram(c.transport, offset))
		if err != nil {
			return time.Now(), err
		}
		defer program.Close()
		at := time.Now()
		for _, p := range c.ports {
			if err := p.attach(program); err != nil {
				return at, err
			}
		}
		return at, nil
	})
}

// attach puts an XDP program on the port's interface, or replaces the one there.
func (p *Port) attach(program *os.File) error {
	if p.xdp != nil {
		return updateLink(p.xdp, program)
	}
	return p.clock.node.Do(func() error {
		ifr, err := unix.NewIfreq(p.iface)
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(int(p.clock.node.Control().Fd()), unix.SIOCGIFINDEX, ifr); err != nil {
			return err
		}
		p.xdp, err = linkXDP(program, ifr.Uint32())
		return err
	})
}

// Offsets in a PTP message header (IEEE 1588-2019, table 35) and messageTypes
// (table 36).
const (
	correctionField = 8

	followUp  = 0x8
	delayResp = 0x9
)

// correctionProgram returns an XDP program that adds -offset to the
// correctionField of Follow_Up and +offset to that of Delay_Resp, and passes
// every packet on.
func correctionProgram(t Transport, offset time.Duration) []instruction {
	const (
		context, data, dataEnd, value, delta, pointer, result = 1, 2, 3, 4, 5, 6, 0
		pass                                                  = math.MaxInt16 // resolved below
	)
	const ethernet, ipv4 = 14, 20
	load := func(size uint8, dst, src uint8, off int16) instruction {
		return instruction{unix.BPF_LDX | unix.BPF_MEM | size, dst | src<<4, off, 0}
	}
	unless := func(want int32) instruction { // value != want: pass
		return instruction{unix.BPF_JMP | unix.BPF_JNE | unix.BPF_K, value, pass, want}
	}
	bigEndian := func(v uint16) int32 { // as a 16-bit load yields it
		return int32(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)))
	}

	header := int16(ethernet)
	match := []instruction{
		load(unix.BPF_H, value, data, 12), unless(bigEndian(unix.ETH_P_1588)),
	}
	if t == UDPv4 {
		header = ethernet + ipv4 + 8
		match = []instruction{
			load(unix.BPF_H, value, data, 12), unless(bigEndian(unix.ETH_P_IP)),
			load(unix.BPF_B, value, data, ethernet), unless(0x45), // no IP options
			load(unix.BPF_B, value, data, ethernet+9), unless(unix.IPPROTO_UDP),
			load(unix.BPF_H, value, data, ethernet+ipv4+2), unless(bigEndian(320)), // general messages
		}
	}
	toBigEndian := instruction{unix.BPF_ALU | unix.BPF_END | unix.BPF_TO_BE, value, 0, 64}
	correction := uint64(offset) << 16
	program := []instruction{
		load(unix.BPF_W, data, context, 0),    // xdp_md.data
		load(unix.BPF_W, dataEnd, context, 4), // xdp_md.data_end
		{unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_X, pointer | data<<4, 0, 0},
		{unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_K, pointer, 0, int32(header) + correctionField + 8},
		{unix.BPF_JMP | unix.BPF_JGT | unix.BPF_X, pointer | dataEnd<<4, pass, 0},
	}
	program = append(program, match...)
	program = append(program,
		load(unix.BPF_B, value, data, header),
		instruction{unix.BPF_ALU64 | unix.BPF_AND | unix.BPF_K, value, 0, 0x0f},
		// A 64-bit immediate takes two instructions.
		instruction{unix.BPF_LD | unix.BPF_DW | unix.BPF_IMM, delta, 0, int32(-correction)},
		instruction{immediate: int32(-correction >> 32)},
		instruction{unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, value, 3, followUp},
		unless(delayResp),
		instruction{unix.BPF_LD | unix.BPF_DW | unix.BPF_IMM, delta, 0, int32(correction)},
		instruction{immediate: int32(correction >> 32)},
		load(unix.BPF_DW, value, data, header+correctionField),
		toBigEndian,
		instruction{unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_X, value | delta<<4, 0, 0},
		toBigEndian,
		instruction{unix.BPF_STX | unix.BPF_MEM | unix.BPF_DW, data | value<<4, header + correctionField, 0},
		instruction{unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_K, result, 0, xdpPass},
		instruction{code: unix.BPF_JMP | unix.BPF_EXIT},
	)
	for i := range program {
		if program[i].offset == pass {
			program[i].offset = int16(len(program) - 2 - (i + 1))
		}
	}
	return program
}
