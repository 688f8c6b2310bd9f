#!/usr/bin/env bash
# Runs the tests on real PTP hardware clocks in a virtual machine (`//go:build vm` under test/vm). QEMU, the machine's
# kernel and its linuxptp are Debian's packages, which are unpacked and not installed. Where they cannot be had it says so
# and leaves the reason in .cache/test/vm.not-run; that is an error only when CI=true.
set -euo pipefail
cd "$(dirname "$0")/.."

# cannot_be_had says why the machine cannot be made here.
cannot_be_had() {
	if [ "$(uname -sm)" != "Linux x86_64" ]; then
		echo "they need Linux on amd64, and this is $(uname -sm)"
	elif ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
		echo "they need apt-get and dpkg-deb: run them on Debian"
	elif ! said=$(go run ./test/vm/image 2>&1); then
		echo "QEMU cannot be had: $(tail -1 <<<"$said")"
	fi
}

mkdir -p .cache/test
hack/deps.sh certificates gcc
reason=$(cannot_be_had)
if [ -n "$reason" ]; then
	tests=$(sed -nE 's/^func (Test[[:alnum:]_]+)\(t .*/\1/p' test/vm/*_test.go | wc -l)
	echo "did not run: $tests tests on PTP hardware clocks, because $reason" | tee .cache/test/vm.not-run
	echo "This is not a pass of those tests."
	[ "${CI:-}" != true ] || exit 1
	exit 0
fi
status=0
hack/gotest.sh vm -tags vm -count=1 -timeout 20m ./test/vm/... || status=$?
# What was measured: how soon each fault was noticed, and what watching costs.
sed -nE 's/.*"Output":" +vm_test\.go:[0-9]+: (.*)\\n".*/\1/p' .cache/test/vm.json | sed 's/\\u003e/>/g'
exit "$status"
