#!/usr/bin/env bash
# Builds and pushes the images, and writes dist/eventing-ptp.yaml, which installs them, and dist/SHA256SUMS.
# Usage: VERSION=v0.1.0 KO_DOCKER_REPO=registry.example.com/eventing-ptp hack/release.sh
# What is built is what is committed, in a clone that is thrown away. KO_DEFAULTBASEIMAGE and KO_DEFAULTPLATFORMS (with
# blanks between them) are ko's. The same commit and base image give the same images and the same file.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() {
	echo "release: $*" >&2
	exit 1
}

# A semantic version without build metadata, because no label and no tag of an image may have a plus sign.
number='(0|[1-9][0-9]*)'
pattern="^v$number\.$number\.$number(-[0-9A-Za-z]+([.-][0-9A-Za-z]+)*)?\$"
[[ ${VERSION:-} =~ $pattern ]] || refuse "VERSION is '${VERSION:-}'; it must be like v0.1.0 or v0.1.0-rc.1"
[ ${#VERSION} -le 63 ] || refuse "VERSION has ${#VERSION} characters, and a label holds 63 at most"
[ -n "${KO_DOCKER_REPO:-}" ] || refuse "KO_DOCKER_REPO is empty; name the repository to push images to, for example registry.example.com/eventing-ptp"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
uncommitted=$(git status --porcelain | wc -l)
[ "$uncommitted" = 0 ] || echo "release: $uncommitted files have changes that are not committed, and not in this release" >&2
git clone --quiet . "$scratch/clone"
out=$PWD/dist
cd "$scratch/clone"
commit=$(git rev-parse HEAD)

# ko's and go's own variables, the same wherever this runs.
export KO_CONFIG_PATH=ko.yaml GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0
export KO_DEFAULTPLATFORMS=${KO_DEFAULTPLATFORMS:-linux/amd64 linux/arm64}
unset GOOS GOARCH GOARM
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH KO_DATA_DATE_EPOCH=$SOURCE_DATE_EPOCH

# Each image carries the licences of what is linked into it, at /var/run/ko. ko takes them from kodata beside the main
# package, and refuses links that lead out of there. So they are copies, and only here.
GOOS=linux hack/licenses.sh save
[ -z "$(git status --porcelain)" ] || refuse "third_party/VENDOR-LICENSE is not what is linked: run make licenses, and commit it"
echo '/cmd/*/kodata/' >>.git/info/exclude # go build calls its output modified otherwise
for main in $(grep -rhoE --include='*.yaml' 'ko://[^[:space:]"]+' config | sed 's|.*/cmd/||' | sort -u); do
	mkdir "cmd/$main/kodata"
	cp -R LICENSE third_party/VENDOR-LICENSE "cmd/$main/kodata/"
done

# Files in the order in which they are applied. Names of images end in that of their program.
go tool -modfile=hack/tools/go.mod ko resolve --base-import-paths --tags "$VERSION" -Rf config/ >"$scratch/resolved.yaml"
{
	echo "# eventing-ptp $VERSION, commit $commit"
	sed -E "s|(app\.kubernetes\.io/version: )devel\$|\1$VERSION|" "$scratch/resolved.yaml"
} >"$scratch/eventing-ptp.yaml"
if grep -nE 'ko://|version: devel' "$scratch/eventing-ptp.yaml" >&2; then
	refuse "the lines above still say what only a development version says"
fi

mkdir -p "$out"
mv "$scratch/eventing-ptp.yaml" "$out/"
cd "$out"
sha256sum eventing-ptp.yaml >SHA256SUMS
echo "release: $VERSION of commit $commit is in dist/:"
cat SHA256SUMS
grep -hoE "[^ \"']+@sha256:[0-9a-f]{64}" eventing-ptp.yaml | sort -u
