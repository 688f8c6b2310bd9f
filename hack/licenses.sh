#!/usr/bin/env bash
# Checks the licences of everything that is linked into the binaries, and keeps their texts.
# Usage: hack/licenses.sh check|save
set -euo pipefail
cd "$(dirname "$0")/.."

ours=$(go list -m)
texts=third_party/VENDOR-LICENSE
go_licenses() {
	# Errors only: each package with assembly in it would be a warning.
	go tool -modfile=hack/tools/go.mod go-licenses "$@" --ignore "$ours" \
		--stderrthreshold=2 --legacy_stderr_threshold_behavior=false ./cmd/...
}

case ${1:-} in
check) go_licenses check --disallowed_types=forbidden,restricted,unknown ;;
save) go_licenses save --force --save_path="$texts" ;;
*)
	echo "usage: hack/licenses.sh check|save" >&2
	exit 2
	;;
esac
