#!/usr/bin/env bash
# Generates deep copies, clientset, listers, informers and Knative's injection from the types in pkg/apis. Generated
# code is never edited. With --verify it changes nothing and fails when what is here is stale.
# Usage: hack/update-codegen.sh [--verify]
set -euo pipefail
cd "$(dirname "$0")/.."

module=$(go list -m)
apis=$module/pkg/apis/sources/v1alpha1
client=$module/pkg/client
deepcopy=pkg/apis/sources/v1alpha1/zz_generated.deepcopy.go

out=$(mktemp -d)
kept=$out/deepcopy.before
trap '[ ! -e "$kept" ] || mv "$kept" "$deepcopy"; rm -rf "$out"' EXIT

# Runs a generator at the version that hack/tools pins. It must not be led by the flags that choose the tool.
generate() {
	local tool=$1
	shift
	"$(go tool -modfile=hack/tools/go.mod -n "$tool")" --go-header-file hack/boilerplate/boilerplate.go.txt "$@"
}

# deepcopy-gen writes beside the types, and the others need what it writes. When it is only to be verified, the present
# file is put back at the end.
if [ "${1:-}" = --verify ] && [ -e "$deepcopy" ]; then
	cp -p "$deepcopy" "$kept"
fi
generate deepcopy-gen --output-file zz_generated.deepcopy.go "$apis"
generate client-gen --clientset-name versioned --input-base '' --input "$apis" \
	--output-dir "$out/client/clientset" --output-pkg "$client/clientset"
generate lister-gen --output-dir "$out/client/listers" --output-pkg "$client/listers" "$apis"
generate informer-gen --versioned-clientset-package "$client/clientset/versioned" --listers-package "$client/listers" \
	--output-dir "$out/client/informers" --output-pkg "$client/informers" "$apis"
generate injection-gen --input-dirs "$apis" \
	--versioned-clientset-package "$client/clientset/versioned" \
	--external-versions-informers-package "$client/informers/externalversions" \
	--listers-package "$client/listers" \
	--output-dir "$out/client/injection" --output-package "$client/injection"

if [ "${1:-}" != --verify ]; then
	rm -rf pkg/client
	cp -r "$out/client" pkg/client
	echo "codegen: wrote pkg/client and $deepcopy"
	exit 0
fi

if ! diff -r "$out/client" pkg/client || ! diff "$deepcopy" "$kept"; then
	echo "codegen: the code above (<) is what the types ask for, and it is stale here (>): run make codegen" >&2
	exit 1
fi
echo "codegen: everything is up to date"
