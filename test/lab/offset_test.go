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
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel's verifier and the tests on real ptp4l say whether the program
// works; here is what they would not notice.
func TestCorrectionProgramJumpsLandOnItsEnd(t *testing.T) {
	for _, transport := range []Transport{L2, UDPv4} {
		t.Run(string(transport), func(t *testing.T) {
			program := correctionProgram(transport, time.Microsecond)
			end := len(program) - 2
			for i, ins := range program {
				jump := ins.code&0x07 == unix.BPF_JMP && ins.code != unix.BPF_JMP|unix.BPF_EXIT
				to := i + 1 + int(ins.offset)
				if jump && to > end {
					t.Errorf("instruction %d jumps to %d, beyond %d", i, to, end)
				}
			}
			if end := program[end]; end.immediate != xdpPass || end.registers != 0 {
				t.Errorf("the last jump target is %+v, not return XDP_PASS", end)
			}
		})
	}
}

func TestCorrectionProgramCarriesScaledNanoseconds(t *testing.T) {
	program := correctionProgram(L2, -time.Second)
	var got []int64
	for i, ins := range program {
		if ins.code == unix.BPF_LD|unix.BPF_DW|unix.BPF_IMM {
			got = append(got, int64(uint64(uint32(ins.immediate))|uint64(program[i+1].immediate)<<32))
		}
	}
	const second = 1e9 * 65536
	if len(got) != 2 || got[0] != second || got[1] != -second {
		t.Errorf("corrections %v, want [%d %d] for Follow_Up and Delay_Resp", got, int64(second), -int64(second))
	}
}
