#!/usr/bin/env bash
# Runs the tests that need real ptp4l or a real Kubernetes API server in network namespaces (`//go:build lab` under
# test/). Where they cannot run it says so and leaves the reason in .cache/test/integration.not-run; that is an error only when CI=true.
set -euo pipefail
cd "$(dirname "$0")/.."

why_not() {
	if [ "$(uname -s)" != Linux ]; then
		echo "they need Linux, and this is $(uname -s)"
	elif [ "$(id -u)" != 0 ]; then
		echo "they need root, and this is uid $(id -u); try: sudo env \"PATH=\$PATH\" make integration"
	elif ! unshare --net true 2>/dev/null; then
		echo "they make network namespaces, and root may not do so here (CAP_SYS_ADMIN)"
	fi
}

mkdir -p .cache/test
# Those of test/cluster are a module's of their own.
tests_of() { grep -rl --include='*_test.go' '^//go:build.*\<lab\>' "$@" | xargs -r sed -nE 's/^func (Test[[:alnum:]_]+)\(t .*/\1/p'; }
tests=$(tests_of test --exclude-dir=cluster)
cluster=$(tests_of test/cluster)
reason=$(why_not)
if [ -n "$reason" ]; then
	echo "did not run: $(wc -w <<<"$tests $cluster") tests on real ptp4l and Kubernetes, because $reason" | tee .cache/test/integration.not-run
	echo "This is not a pass of those tests."
	[ "${CI:-}" != true ] || exit 1
	exit 0
fi

hack/deps.sh certificates gcc ptp4l cluster
# It takes minutes the first time, which must not count as the time of a test.
go run ./test/installation/cmd/installation -build
# One package at a time and never from the cache: these tests measure time, and the machine is part of the test. By
# name, because what else is in these packages runs with the unit tests.
flags=(-tags lab -count=1 -p 1 -timeout 20m)
status=0
hack/gotest.sh integration "${flags[@]}" -run "^(${tests//$'\n'/|})\$" ./test/... || status=$?
MODULE=test/cluster hack/gotest.sh integration.cluster "${flags[@]}" -run "^(${cluster//$'\n'/|})\$" ./... || status=$?
exit "$status"
