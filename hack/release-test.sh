#!/usr/bin/env bash
# Makes a release of HEAD for an image registry on loopback and looks at what has come of it. Nothing is left behind.
# Needs Go and the module proxy: registry and base image are made here, from nothing. The first run compiles for minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	echo "release-test: $*" >&2
	exit 1
}

# Beside the cache and not in /tmp, which may be too small for images.
mkdir -p .cache
scratch=$(mktemp -d "$PWD/.cache/release-test.XXXXXX")
registry=
clean_up() {
	[ -z "$registry" ] || kill "$registry" 2>/dev/null || true
	[ -z "$registry" ] || wait "$registry" 2>/dev/null || true
	rm -rf "$scratch"
}
trap clean_up EXIT

git clone --quiet . "$scratch/source"
cd "$scratch/source"
revision=$(git rev-parse HEAD)

# What makes no sense is refused before anything is built.
refused() {
	local out
	if out=$(VERSION=$1 KO_DOCKER_REPO=$2 hack/release.sh 2>&1); then
		fail "VERSION='$1' KO_DOCKER_REPO='$2' was not refused"
	fi
	grep -qF "release: $3" <<<"$out" || fail "VERSION='$1' KO_DOCKER_REPO='$2': $out"
}
for version in '' 0.1.0 v0.1 v01.0.0 v0.1.0+x v0.1.0- 'v0.1.0 '; do
	refused "$version" registry.example.com/x "VERSION is '$version'; it must be like v0.1.0"
done
refused v0.1.0 '' "KO_DOCKER_REPO is empty; name the repository"

crane=$scratch/crane
go build -modfile=hack/tools/go.mod -o "$crane" github.com/google/go-containerregistry/cmd/crane
mkdir "$scratch/registry"
"$crane" registry serve --address 127.0.0.1:0 --disk "$scratch/registry" 2>"$scratch/registry.log" &
registry=$!
port=
for _ in {1..100}; do
	port=$(sed -n 's/.*serving on port \([0-9]*\).*/\1/p' "$scratch/registry.log")
	[ -z "$port" ] || break
	kill -0 "$registry" || fail "the registry did not start: $(cat "$scratch/registry.log")"
	sleep 0.1
done
[ -n "$port" ] || fail "the registry does not say where it listens: $(cat "$scratch/registry.log")"
repository=127.0.0.1:$port/ptp

# A base image for one platform with a user and nothing else.
platform=linux/$(go env GOARCH)
mkdir "$scratch/empty"
tar -cf "$scratch/empty.tar" -C "$scratch/empty" .
"$crane" append --oci-empty-base -f "$scratch/empty.tar" -t "$repository/base:empty" >/dev/null 2>&1
"$crane" mutate "$repository/base:empty" --user 65532 --set-platform "$platform" -t "$repository/base:user" >/dev/null 2>&1

release() {
	VERSION=v0.1.0-rc.1 KO_DOCKER_REPO=$repository KO_DEFAULTBASEIMAGE=$repository/base:user KO_DEFAULTPLATFORMS=$platform \
		hack/release.sh >"$scratch/release.log" 2>&1 || fail "no release: $(tail -n 20 "$scratch/release.log")"
}
release
(cd dist && sha256sum --quiet --check SHA256SUMS)
yaml=dist/eventing-ptp.yaml

# The file has what config/ has, in the same order, but for versions and images.
[ "$(head -n 1 "$yaml")" = "# eventing-ptp v0.1.0-rc.1, commit $revision" ] || fail "the first line is $(head -n 1 "$yaml")"
kinds() { sed -nE 's/^kind: //p' "$@"; }
mapfile -t files < <(find config -name '*.yaml' | LC_ALL=C sort)
diff <(kinds "${files[@]}") <(kinds "$yaml") || fail "the objects are not those of config/, in the order of its files"
count() { grep -hoE "$@" | wc -l; }
[ "$(count 'app.kubernetes.io/version: v0\.1\.0-rc\.1$' "$yaml")" = "$(count 'app.kubernetes.io/version: devel$' "${files[@]}")" ] ||
	fail "not every label has the version"
if grep -nE '^ *(- )?image:' "$yaml" | grep -vE "image: $repository/[a-z_]+:v0\.1\.0-rc\.1@sha256:[0-9a-f]{64}\$"; then
	fail "these images are not fixed by a digest"
fi
mapfile -t images < <(grep -hoE "$repository/[^ \"']+" "$yaml" | sort -u)
[ "${#images[@]}" = 3 ] || fail "the images are ${images[*]}, want those of controller, webhook and receive_adapter"

for image in "${images[@]}"; do
	name=$(basename "${image%%:v*}")
	mkdir "$scratch/$name"
	"$crane" export "$image" - | tar -x -C "$scratch/$name" 2>"$scratch/tar.log" || fail "$name cannot be unpacked: $(cat "$scratch/tar.log")"
	[[ $("$crane" config "$image") == *'"User":"65532"'* ]] || fail "$name does not run as the base image's user"
	go version -m "$scratch/$name/ko-app/$name" >"$scratch/$name.build"
	grep -q "vcs.revision=$revision" "$scratch/$name.build" || fail "$name does not say of which commit it is"
	grep -q 'vcs.modified=false' "$scratch/$name.build" || fail "$name is of a tree with changes"
	cmp LICENSE "$scratch/$name/var/run/ko/LICENSE"
	diff -r third_party/VENDOR-LICENSE "$scratch/$name/var/run/ko/VENDOR-LICENSE" || fail "$name does not carry the licences"
done

cp "$yaml" "$scratch/first.yaml"
release
cmp "$scratch/first.yaml" "$yaml" || fail "a second release of the same commit is another one"
echo "release-test: ${#images[@]} images with their licences, $(kinds "$yaml" | wc -l) objects, and the same again"
