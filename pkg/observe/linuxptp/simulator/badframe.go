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

package simulator

import (
	"encoding/binary"
	"slices"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// badFrames returns datagrams that a broken or hostile sender could send in place of
// the next push to s. They carry the number of that push and do not use it up.
func (d *daemon) badFrames(s *subscriber) [][]byte {
	good := d.push(s, pmc.ClockPort, &d.status)
	spoilt := func(spoil func(frame []byte)) []byte {
		frame := slices.Clone(good)
		spoil(frame)
		return frame
	}
	return [][]byte{
		{},
		good[:1],
		good[:34],                     // ends after the common header
		good[:54],                     // ends before the data
		good[:len(good)-2],            // ends within the data
		append(slices.Clone(good), 0), // longer than it says
		make([]byte, 1500),
		spoilt(func(f []byte) { f[0] = 0x0b }),   // an Announce
		spoilt(func(f []byte) { f[1] = 0x01 }),   // PTP version 1
		spoilt(func(f []byte) { f[4]++ }),        // another domain
		spoilt(func(f []byte) { f[34] ^= 0xff }), // for another client
		spoilt(func(f []byte) { f[46] = 0x0f }),  // no known action
		spoilt(func(f []byte) { binary.BigEndian.PutUint16(f[2:], 54) }),                           // messageLength too small
		spoilt(func(f []byte) { binary.BigEndian.PutUint16(f[48:], 0x3fff) }),                      // no management TLV
		spoilt(func(f []byte) { binary.BigEndian.PutUint16(f[50:], 2) }),                           // TLV without data
		spoilt(func(f []byte) { binary.BigEndian.PutUint16(f[50:], 0xffff) }),                      // TLV of 64 KiB
		spoilt(func(f []byte) { binary.BigEndian.PutUint16(f[52:], uint16(pmc.IDParentDataSet)) }), // data of another length
		spoilt(func(f []byte) { binary.BigEndian.PutUint16(f[52:], 0xdfff) }),                      // an unknown id
	}
}
