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

package chrony

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What chronyd 4.3 has answered to requests with this sequence number.
const (
	sequence = 0xcafe0001
	// follows: a server is followed, with a poll every second.
	follows = "06020000002100050000000000000000cafe000100000000000000007f0000017f00000100000000000000000000000000010000000600000000" +
		"00006b0771ae26a7072bdd0763dad891e812dabb6e31f2c98979f6c561b402a51896e28644a0dcebadab04820d41"
	// local: it was told to be a reference itself.
	local = "06020000002100050000000000000000cafe000100000000000000007f7f010100000000000000000000000000000000000000000005000000000000" +
		"6b0771a72950b3e4000000000000000000000000000000000000000000000000000000000000000000000000"
	// none: it has just been started.
	none = "06020000002100050000000000000000cafe000100000000000000000000000000000000000000000000000000000000000000000000000300000000" +
		"0000000000000000000000000000000000000000000000000000000000000000048000000480000000000000"
	// short: the request was shorter than the answer.
	short = "06020000002100010013000000000000cafe00010000000000000000"
	// other: the request was of another version.
	other = "06020000002100010012000000000000cafe00010000000000000000"
)

func bytes(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAnswer(t *testing.T) {
	for _, tc := range []struct {
		name, raw, source string
		want              Tracking
	}{
		{"a server is followed", follows, "127.0.0.1", Tracking{
			Reference: 0x7f000001, Stratum: 6, Updated: time.Date(2026, 11, 25, 23, 39, 26, 648480555, time.UTC), Interval: 1016029477,
		}},
		{"its own reference", local, "127.127.1.1", Tracking{
			Reference: 0x7f7f0101, Stratum: 5, Updated: time.Date(2026, 11, 25, 23, 39, 19, 693154788, time.UTC),
		}},
		{"no reference", none, "0.0.0.0", Tracking{Leap: Unsynchronised, Updated: time.Unix(0, 0).UTC()}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := answer(bytes(t, tc.raw), sequence)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("tracking (-want +got):\n%s", diff)
			}
			if got.Source() != tc.source {
				t.Errorf("source %s, want %s", got.Source(), tc.source)
			}
		})
	}
}

func TestSource(t *testing.T) {
	for reference, want := range map[uint32]string{
		0x50484330: "PHC0", 0x50505300: "PPS", 0x47505300: "GPS", 0xc0000201: "192.0.2.1", 0x50004843: "80.0.72.67", 0: "0.0.0.0",
	} {
		if got := (Tracking{Reference: reference}).Source(); got != want {
			t.Errorf("%08x is %q, want %q", reference, got, want)
		}
	}
}

func TestLeap(t *testing.T) {
	for leap, want := range map[Leap]string{
		Normal: "Normal", InsertSecond: "Insert second", DeleteSecond: "Delete second", Unsynchronised: "Not synchronised", 4: "Leap(4)",
	} {
		if got := leap.String(); got != want {
			t.Errorf("%d is %q, want %q", uint16(leap), got, want)
		}
	}
}

func TestAnswerRefuses(t *testing.T) {
	changed := func(at int, value byte) string {
		raw := bytes(t, follows)
		raw[at] = value
		return hex.EncodeToString(raw)
	}
	const notOurs = "not an answer to the request"
	for _, tc := range []struct{ name, raw, want string }{
		{"a request that is too short", short, "chronyd does not understand the request: status 19"},
		{"another version", other, "chronyd does not understand the request: status 18"},
		{"an answer of another version", changed(0, 5), "chronyd speaks version 5 of its protocol; this program speaks version 6, as chronyd since 2.2"},
		{"not allowed", changed(9, 2), "chronyd refuses to answer: allow it with cmdallow in chrony.conf"},
		{"another reply", changed(7, 6), "chronyd answers in a way that is not known: reply 6 of 104 bytes"},
		{"cut short", follows[:206], "chronyd answers in a way that is not known: reply 5 of 103 bytes"},
		{"too long", follows + "00", "chronyd answers in a way that is not known: reply 5 of 105 bytes"},
		{"a leap status", changed(55, 4), "chronyd answers in a way that is not known: leap status 4"},
		{"a time of too many nanoseconds", changed(64, 0xff), "chronyd answers with a time that is none: 0 1795649966 4289136427"},
		{"a time far away", changed(59, 2), "chronyd answers with a time that is none: 2 1795649966 648480555"},
		{"nothing", "", notOurs},
		{"less than a head", follows[:54], notOurs},
		{"a request", changed(1, 1), notOurs},
		{"to another command", changed(5, 34), notOurs},
		{"to an older request", changed(19, 0), notOurs},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := answer(bytes(t, tc.raw), sequence)
			if err == nil || err.Error() != tc.want {
				t.Errorf("%v, want %s", err, tc.want)
			}
			if errors.Is(err, errNotOurs) != (tc.want == notOurs) {
				t.Errorf("%v is waited over", err)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	want := bytes(t, "0601000000210000cafe0001")
	want = append(want, make([]byte, 104-len(want))...)
	if diff := cmp.Diff(want, ask(sequence)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestTimespec(t *testing.T) {
	for raw, want := range map[string]time.Time{
		"7fffffff6b0771ae00000001": time.Date(2026, 11, 25, 23, 39, 26, 1, time.UTC), // of a system with 32 bits
		"000000010000000000000000": time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC),
	} {
		if got, err := timespec(bytes(t, raw)); err != nil || !got.Equal(want) {
			t.Errorf("%s is %v, %v, want %v", raw, got, err, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for raw, want := range map[uint32]time.Duration{
		0:          0,
		0x02800000: 500 * time.Millisecond, // 2^23 * 2^(1-25)
		0x04800000: time.Second,
		0x16800000: 512 * time.Second,
		0x05800000: 0, // negative
		0x7e800000: 0, // 2^61 s
		0x48800000: 0, // 2^34 s are more than 292 years
		0x80ffffff: 0, // 2^-65 s
	} {
		if got := duration(raw); got != want {
			t.Errorf("%08x is %v, want %v", raw, got, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{follows, local, none, short, other, ""} {
		f.Add(bytes(f, seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := answer(raw, sequence)
		if err != nil {
			if got != (Tracking{}) {
				t.Errorf("%+v with error %v", got, err)
			}
			return
		}
		switch {
		case got.Interval < 0:
			t.Errorf("an interval of %v", got.Interval)
		case got.Leap > Unsynchronised:
			t.Errorf("leap status %v", got.Leap)
		case got.Updated.Year() < 1970 || got.Updated.Year() > 2242:
			t.Errorf("updated at %v", got.Updated)
		case got.Source() == "":
			t.Error("a source without a name")
		}
	})
}
