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

package synce4l

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// Types of what is said on the socket (synce4l 1.1, synce_external_api.h). Each is 2 bytes of type,
// 2 bytes of length and a value, in the byte order of the machine.
const (
	deviceName = 1
	errorText  = 3
	getQL      = 4
	getExtQL   = 5
	endMarker  = 8
)

// longest is the length of a request and of an answer at most.
const longest = 256

// longestName is that of a device: IF_NAMESIZE without the end of a string.
const longestName = 15

// request asks for the quality level of a device. Types that set one are never sent.
func request(device string) []byte {
	b := appendHead(nil, deviceName, len(device))
	b = append(b, device...)
	b = appendHead(b, getQL, 0)
	b = appendHead(b, getExtQL, 0)
	return appendHead(b, endMarker, 0)
}

func appendHead(b []byte, kind, length int) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(kind))
	return binary.NativeEndian.AppendUint16(b, uint16(length))
}

var errShort = errors.New("the answer is cut off")

// parse reads an answer. What it repeats of the request is passed over.
func parse(answer []byte) (clock.QualityLevel, error) {
	var level clock.QualityLevel
	var ql, ext bool
	for {
		if len(answer) < 4 {
			return clock.QualityLevel{}, errShort
		}
		kind, length := binary.NativeEndian.Uint16(answer), int(binary.NativeEndian.Uint16(answer[2:]))
		if answer = answer[4:]; len(answer) < length {
			return clock.QualityLevel{}, errShort
		}
		value := answer[:length]
		answer = answer[length:]
		switch {
		case kind == endMarker && ql && ext:
			return level, nil
		case kind == endMarker:
			return clock.QualityLevel{}, errors.New("the answer has no quality level")
		case kind == errorText:
			return clock.QualityLevel{}, fmt.Errorf("synce4l says: %.200q", value)
		case kind == getQL && length == 1:
			level.SSM, ql = value[0]&0x0F, true // 4 bits on the wire (ITU-T G.8264, table 11-3)
		case kind == getExtQL && length == 1:
			level.Enhanced, ext = value[0], true
		}
	}
}
