#!/usr/bin/env bash
# Runs `go test -race` with the given arguments and says how many tests passed, failed and were skipped.
# Usage: hack/gotest.sh NAME [go test arguments]
# FORMAT is gotestsum's; by default tests that pass say nothing.
# MODULE is the directory of a module in this repository other than its own.
# Leaves .cache/test/NAME.json (test2json events) and .cache/test/NAME.totals ("passed failed skipped").
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

name=$1
shift
mkdir -p .cache/test
events=$root/.cache/test/$name.json

status=0
cd "${MODULE:-.}"
go tool -modfile="$root/hack/tools/go.mod" gotestsum --format "${FORMAT:-pkgname}" --format-hide-empty-pkg --hide-summary skipped \
	--jsonfile "$events" -- -race "$@" || status=$?
cd "$root"

# A quote inside a test's output is escaped in the events, so these patterns match fields only. A package that
# fails without a failing test, because it does not compile or its TestMain gives up, counts as one failure.
awk '
	{ package = match($0, /"Package":"[^"]*"/) ? substr($0, RSTART, RLENGTH) : "" }
	/"Action":"pass".*"Test":"/ { passed++ }
	/"Action":"skip".*"Test":"/ { skipped++ }
	/"Action":"fail".*"Test":"/ { failed++; explained[package] = 1; next }
	/"Action":"fail"/ && !explained[package] { failed++ }
	END { print passed + 0, failed + 0, skipped + 0 }
' "$events" >".cache/test/$name.totals"
read -r passed failed skipped <".cache/test/$name.totals"
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
