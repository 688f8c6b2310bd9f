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

package v1alpha1

import (
	"math"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"knative.dev/pkg/apis"
)

// The kernel's limit of a socket's path (sun_path of unix(7), less its end), and what is
// left of it for the directory: the adapter makes a socket in it to which ptp4l answers,
// with a name of 30 bytes.
const (
	maxSocketPath      = 107
	maxSocketDirectory = maxSocketPath - 1 - 30
)

// A hardware clock that is read more often than shortestPoll keeps others waiting
// (pkg/observe/phc); one that is read more rarely than longestPoll is not watched.
const (
	shortestPoll = 50 * time.Millisecond
	longestPoll  = time.Minute
)

func (l *Linuxptp) validate() *apis.FieldError {
	errs := validateDirectory("socketDirectory", l.SocketDirectory)
	mountPath := l.SocketDirectory
	if l.MountPath != "" {
		mountPath = l.MountPath
		errs = errs.Also(validateDirectory("mountPath", mountPath), validateMountPath("mountPath", mountPath))
	} else {
		errs = errs.Also(validateMountPath("socketDirectory", mountPath))
	}
	for i, socket := range l.Sockets {
		field := atIndex("sockets", i)
		switch _, err := path.Match(socket, ""); {
		case socket == "" || socket == "." || socket == ".." || strings.Contains(socket, "/") || strings.ContainsFunc(socket, unicode.IsControl):
			errs = errs.Also(refuse(field, socket, "must be the name of a socket in socketDirectory, without a directory, for example ptp4l*"))
		case err != nil:
			errs = errs.Also(refuse(field, socket, "must be a pattern in which every [ has its ], for example ptp4l.[0-9].socket"))
		case slices.Index(l.Sockets, socket) < i:
			errs = errs.Also(refuse(field, socket, "must be there only once; leave this one out"))
		case !strings.ContainsAny(socket, `*?[\`) && len(mountPath)+1+len(socket) > maxSocketPath:
			errs = errs.Also(refuse(field, socket, "must have at most %d bytes together with its directory, like every path of a socket; for example ptp4l", maxSocketPath))
		}
	}
	return errs.Also(
		inRange("domain", l.Domain, 0, math.MaxUint8, "24"),
		inRange("transportSpecific", l.TransportSpecific, 0, 15, "1 for gPTP"),
		validateGroup(l.Group),
	)
}

// validateDirectory refuses what is not one directory of a host's file system, and the
// kernel's own, in which no socket can be.
func validateDirectory(field, directory string) *apis.FieldError {
	switch {
	case !path.IsAbs(directory) || path.Clean(directory) != directory || directory == "/" ||
		strings.ContainsFunc(directory, func(r rune) bool { return r == ':' || unicode.IsControl(r) }):
		return refuse(field, directory, "must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example %s", DefaultSocketDirectory)
	case isWithin(directory, "/proc", "/sys", "/dev"):
		return refuse(field, directory, "must not be in /proc, /sys or /dev, where ptp4l has no sockets; for example %s", DefaultSocketDirectory)
	}
	return nil
}

// validateMountPath refuses what would hide a part of the adapter's own file system: its
// program, certificates, names of hosts and tokens; and where ptp4l could not answer.
func validateMountPath(field, directory string) *apis.FieldError {
	switch {
	case isWithin(directory, "/etc", "/ko-app", "/knative-custom-certs", "/run/secrets", "/var/lib/eventing-ptp", "/var/run/secrets"):
		return refuse(field, directory, "must not be mounted there, where the adapter has files of its own (/etc, /ko-app, /knative-custom-certs, /run/secrets, /var/lib/eventing-ptp, /var/run/secrets); "+
			"let ptp4l have its sockets elsewhere, for example in %s", DefaultSocketDirectory)
	case len(directory) > maxSocketDirectory:
		return refuse(field, directory, "must have at most %d bytes, because ptp4l answers to a socket in it, whose path has at most %d; for example %s",
			maxSocketDirectory, maxSocketPath, DefaultSocketDirectory)
	}
	return nil
}

func isWithin(directory string, places ...string) bool {
	return slices.ContainsFunc(places, func(place string) bool {
		return directory == place || strings.HasPrefix(directory, place+"/")
	})
}

func validateGroup(group *int64) *apis.FieldError {
	if group == nil || *group != 0 && len(validation.IsValidGroupID(*group)) == 0 {
		return nil
	}
	return refuse("group", *group, "must be 1 to %d, for example 2000; 0 would be root's: leave it out for that", math.MaxInt32)
}

func (h *HardwareClock) validate() *apis.FieldError {
	if h == nil {
		return nil
	}
	var errs *apis.FieldError
	if h.ResourceName != "" && (!strings.Contains(h.ResourceName, "/") || len(content.IsLabelKey(h.ResourceName)) > 0) {
		errs = errs.Also(refuse("resourceName", h.ResourceName, "must be the name of a device plugin's resource with its domain, for example squat.ai/ptp"))
	}
	if h.Privileged && h.ResourceName != "" {
		errs = errs.Also(apis.ErrGeneric("two ways to the same clocks; keep resourceName, which gives less away, or privileged", "privileged", "resourceName"))
	}
	if d := h.PollInterval; d != nil && (d.Duration < shortestPoll || d.Duration > longestPoll) {
		errs = errs.Also(refuse("pollInterval", d.Duration, "must be %v to %v, for example 1s", shortestPoll, longestPoll))
	}
	if !h.Enabled && h.Privileged {
		errs = errs.Also(refuse("privileged", h.Privileged, "is of no use while the clocks are not watched; set enabled: true or leave it out"))
	}
	if !h.Enabled && h.ResourceName != "" {
		errs = errs.Also(refuse("resourceName", h.ResourceName, "is of no use while the clocks are not watched; set enabled: true or leave it out"))
	}
	return errs
}

func (o *OSClock) validate() *apis.FieldError {
	if o == nil {
		return nil
	}
	var errs *apis.FieldError
	if o.FedBy != FedByPTP && o.FedBy != FedByOther {
		errs = errs.Also(refuse("fedBy", string(o.FedBy), "must be %s or %s", FedByPTP, FedByOther))
	}
	switch {
	case o.Chronyd == "":
	case !isHostPort(o.Chronyd):
		errs = errs.Also(refuse("chronyd", o.Chronyd, "must be host:port, for example localhost:323"))
	case !o.Enabled:
		errs = errs.Also(refuse("chronyd", o.Chronyd, "is of no use while the clock is not watched; set enabled: true or leave it out"))
	}
	return errs
}

func (g *GNSS) validate() *apis.FieldError {
	if g == nil || isHostPort(g.GPSD) {
		return nil
	}
	return refuse("gpsd", g.GPSD, "must be host:port, for example %s", DefaultGPSD)
}

// validate refuses what could not ask the kernel: in a container only root gets a capability.
func (s *SyncE) validate(l Linuxptp) *apis.FieldError {
	if s == nil {
		return nil
	}
	var errs *apis.FieldError
	if s.Enabled && l.Group != nil {
		errs = refuse("enabled", s.Enabled, "needs CAP_NET_ADMIN, which adapters that run in spec.linuxptp.group cannot have; leave one of the two out")
	}
	return errs.Also(s.Synce4l.validate().ViaField("synce4l"))
}

// longestDevice is what synce4l takes: IF_NAMESIZE without the end of a string.
const longestDevice = 15

func (s *Synce4l) validate() *apis.FieldError {
	if s == nil {
		return nil
	}
	var errs *apis.FieldError
	if s.Socket == "" || s.Socket == "." || s.Socket == ".." || strings.ContainsAny(s.Socket, "/\x00") {
		errs = errs.Also(refuse("socket", s.Socket, "must be the name of synce4l's socket in spec.linuxptp.socketDirectory, without a directory; for example synce4l"))
	}
	if len(s.Devices) == 0 {
		errs = errs.Also(refuse("devices", "", "must name at least one device of synce4l's configuration, for example synce1"))
	}
	for i, d := range s.Devices {
		switch {
		case d == "" || len(d) > longestDevice || strings.ContainsAny(d, "<>\x00"):
			errs = errs.Also(refuse(atIndex("devices", i), d, "must be the name of a device of synce4l's configuration, 1 to %d characters without the angle brackets; for example synce1", longestDevice))
		case slices.Index(s.Devices, d) < i:
			errs = errs.Also(refuse(atIndex("devices", i), d, "must be there only once; leave this one out"))
		}
	}
	return errs
}

func isHostPort(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return false
	}
	_, err = netip.ParseAddr(host)
	return err == nil || len(content.IsDNS1123Subdomain(strings.ToLower(host))) == 0
}
