#!/usr/bin/env bash
# Fuzzes every target for FUZZTIME each (default 30s). Go keeps an input that fails under testdata/fuzz/ of its
# package: commit it together with the fix, and `make unit` runs it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=0 failed=()
while IFS=: read -r file declaration; do
	target=${declaration#func }
	echo "==> ${file%/*} $target"
	targets=$((targets + 1))
	go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" "./${file%/*}" </dev/null || failed+=("${file%/*} $target")
done < <(grep -rsHoE --include='*_test.go' '^func Fuzz[[:alnum:]_]*' cmd pkg test | sort)

for target in "${failed[@]}"; do echo "failed: $target"; done
echo "$((targets - ${#failed[@]})) targets passed, ${#failed[@]} failed"
[ ${#failed[@]} = 0 ]
