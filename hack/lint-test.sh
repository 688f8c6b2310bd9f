#!/usr/bin/env bash
# Shows that the rules of .golangci.yaml bite: lays out hack/testdata/lint.txt as a module,
# lints it, and compares the complaints with the `want` comments there.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
cp .golangci.yaml "$module/"
printf 'module %s\n\ngo %s\n' "$(go list -m)" "$(go list -m -f '{{.GoVersion}}')" >"$module/go.mod"

awk -v out="$module" -v boilerplate=hack/boilerplate/boilerplate.go.txt '
	/^-- / {
		file = out "/" $2
		system("mkdir -p $(dirname " file ")")
		if (!/no header$/) {
			while ((getline line <boilerplate) > 0) print line >file
			close(boilerplate)
			print "" >file
		}
		next
	}
	file { print >file }
' hack/testdata/lint.txt

cd "$module"
grep -rn --include='*.go' '// want ' . | sed -E 's,^\./([^:]+:[0-9]+):.*// want ,\1: ,' >wanted # path:line: linter: text
go tool -modfile="$root/hack/tools/go.mod" golangci-lint run --show-stats=false --output.text.colors=false \
	--output.text.print-issued-lines=false >said || true # path:line:column: text (linter)

bad=0
while IFS= read -r want; do
	place=${want%%: *} linter=${want#*: }
	linter=${linter%%: *} text=${want#*: *: }
	if ! grep -F "$place:" said | grep -F "($linter)" | grep -qF "$text"; then
		echo "hack/testdata/lint.txt: the linter does not say: $want"
		bad=1
	fi
done <wanted
while IFS=: read -r path line rest; do
	if ! grep -qF "$path:$line: " wanted; then
		echo "hack/testdata/lint.txt: the linter should not say: $path:$line:$rest"
		bad=1
	fi
done <said
[ "$bad" = 0 ] || exit 1
echo "lint-test: $(wc -l <wanted) violations, each reported; nothing else reported"
