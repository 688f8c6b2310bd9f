#!/usr/bin/env bash
# Runs the tests on a cluster (`//go:build e2e`): brings one up, installs this project on it as a user would, runs them, and
# takes it down. Where that cannot be done it says so and leaves the reason in .cache/test/e2e.not-run; that is an error
# only when CI=true.
# Usage: hack/e2e.sh [run]
#   run     on the cluster that an earlier KEEP=1 has left, which stays
#   KEEP=1  leave the cluster, also after a failure
#   RUN     only tests that this regular expression matches
#   PACKAGE the tests' directory, by default ./test/e2e
#   CERT_MANAGER=1  with certificates for Eventing
#   E2E_CLUSTER  the directory of the cluster
set -euo pipefail
cd "$(dirname "$0")/.."

export E2E_CLUSTER=${E2E_CLUSTER:-/var/lib/eventing-ptp-e2e}
export E2E_TOOL=$PWD/.cache/e2e/cluster
export E2E_UPGRADE=$PWD/.cache/e2e/upgrade.yaml

why_not() {
	if [ "$(uname -s)" != Linux ]; then
		echo "they need Linux, and this is $(uname -s)"
	elif [ "$(id -u)" != 0 ]; then
		echo "they need root, and this is uid $(id -u); try: sudo env \"PATH=\$PATH\" make e2e"
	elif ! unshare --net --mount --pid true 2>/dev/null; then
		echo "their nodes are namespaces, and root may make none here (CAP_SYS_ADMIN)"
	fi
}

mkdir -p .cache/test .cache/e2e
rm -f .cache/test/e2e.not-run
reason=$(why_not)
if [ -n "$reason" ]; then
	tests=$(grep -rhcE --include='*_test.go' '^func Test[[:alnum:]_]+\(t ' test/e2e/*_test.go test/docs/*_e2e_test.go | awk '{ n += $1 } END { print n }')
	echo "did not run: $tests tests on a cluster, because $reason" | tee .cache/test/e2e.not-run
	echo "This is not a pass of those tests."
	[ "${CI:-}" != true ] || exit 1
	exit 0
fi

hack/deps.sh certificates gcc ptp4l cluster
go build -C test/cluster -o "$E2E_TOOL" .
cluster() { "$E2E_TOOL" -dir "$E2E_CLUSTER" "$@"; }

if [ "${1:-}" != run ]; then
	if cluster kubeconfig >/dev/null 2>&1; then
		echo "e2e: a cluster runs in $E2E_CLUSTER already, maybe for somebody else: make e2e-run runs tests on it, $E2E_TOOL -dir $E2E_CLUSTER down ends it, and E2E_CLUSTER names another directory" >&2
		exit 1
	fi
	take_down() {
		[ -z "${KEEP:-}" ] || {
			echo "e2e: the cluster stays: RUN=TestName make e2e-run runs tests on it, $E2E_TOOL -dir $E2E_CLUSTER down ends it"
			return
		}
		cluster down
	}
	trap take_down EXIT
	trap 'exit 130' INT TERM
	cluster up ${CERT_MANAGER:+-cert-manager}
fi
env=$(cluster env)
eval "$env"

# A minute, as Eventing has it, is long for a test in which a leader is killed.
kubectl -n knative-eventing patch configmap config-leader-election --type merge \
	--patch '{"data": {"lease-duration": "6s", "renew-deadline": "4s", "retry-period": "1s"}}'

ko() {
	local command=$1
	shift
	go tool -modfile=hack/tools/go.mod ko "$command" --sbom=none "$@" 2>.cache/e2e/ko.log || {
		cat .cache/e2e/ko.log >&2
		return 1
	}
}
echo "e2e: installing this project"
ko resolve -Rf config/ >.cache/e2e/installed.yaml
kubectl apply -f .cache/e2e/installed.yaml
for deployment in controller webhook; do
	kubectl -n knative-eventing rollout status "deployment/eventing-ptp-$deployment" --timeout 3m
done
E2E_RECORDER=$(ko build ./test/e2e/recorder)
export E2E_RECORDER
export E2E_CLI=$PWD/.cache/e2e/kn-source-ptp
CGO_ENABLED=0 go build -trimpath -o "$E2E_CLI" ./cmd/kn-source-ptp

# Another version, to upgrade to: the same programs in images that differ by a label.
ko resolve --image-label "eventing-ptp.test/upgrade=$(date +%s)" -Rf config/ |
	sed -E 's|(app\.kubernetes\.io/version: )devel$|\1upgraded|' >"$E2E_UPGRADE"

# Tests that share nothing but the cluster run at once: most of their time they wait.
FORMAT=standard-verbose hack/gotest.sh e2e -tags e2e -count=1 -timeout 30m -parallel 8 ${RUN:+-run "$RUN"} "${PACKAGE:-./test/e2e}"
