#!/usr/bin/env bash
# Runs every stage of `make test`, also after one has failed, and closes with what passed, failed and did not run.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf .cache/test
mkdir -p .cache/test
report=.cache/test/report
status=0 passed=0 failed=0 skipped=0

for stage in lint unit browser integration vm; do
	echo "==> $(date -u +%H:%M:%SZ) $stage"
	SECONDS=0 result=ok details=
	"${MAKE:-make}" --no-print-directory "$stage" || { result=FAILED status=1; }
	if [ -e ".cache/test/$stage.not-run" ]; then
		result="not run" details=$(<".cache/test/$stage.not-run")
	elif [ -e ".cache/test/$stage.totals" ]; then
		read -r p f s < <(awk '{ p += $1; f += $2; s += $3 } END { print p, f, s }' ".cache/test/$stage".*totals)
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
		details="$p passed, $f failed, $s skipped"
	fi
	printf '%-12s %-8s %4d s  %s\n' "$stage" "$result" "$SECONDS" "$details" >>"$report"
done

echo "==> $(date -u +%H:%M:%SZ) totals"
cat "$report"
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
