# Everything one does with this repository. It needs Go; every target brings what else it needs (see `make deps`).
# What runs ptp4l in network namespaces needs Linux and root. Nothing here touches the clock of the machine.

# The same on every machine, whatever `go env` says there.
export GOFLAGS := -mod=readonly -buildvcs=false
export GOWORK := off
# ko reads .ko.yaml unless it is told otherwise.
export KO_CONFIG_PATH := ko.yaml

TOOL := go tool -modfile=hack/tools/go.mod
export FUZZTIME ?= 30s
TRANSITIONS ?= 10000
SEED ?= 1

.PHONY: help
help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install what is missing: linuxptp, chromium, gcc, git, certificates (Debian, as root).
	@hack/deps.sh && echo "deps: everything is there"

.PHONY: build
build: ## Build static binaries into bin/.
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags '-s -w' -o bin/ ./cmd/...

.PHONY: lint
lint: lint-test ## Check formatting, style, the borders between packages, generated code, and the licences of dependencies.
	$(TOOL) golangci-lint run ./...
	cd test/cluster && go tool -modfile=../../hack/tools/go.mod golangci-lint run ./...
	cd test/bench/journal && go tool -modfile=../../../hack/tools/go.mod golangci-lint run ./...
	cd test/monitoring && go tool -modfile=../../hack/tools/go.mod golangci-lint run ./...
	cd test/dashboard && go tool -modfile=../../hack/tools/go.mod golangci-lint run ./...
	@hack/update-codegen.sh --verify
	@hack/licenses.sh check

.PHONY: lint-test
lint-test: ## Show that every rule of the linter bites (two seconds, part of lint).
	@hack/lint-test.sh

.PHONY: fmt
fmt: ## Format all Go code.
	$(TOOL) golangci-lint fmt ./...
	cd test/cluster && go tool -modfile=../../hack/tools/go.mod golangci-lint fmt ./...
	cd test/bench/journal && go tool -modfile=../../../hack/tools/go.mod golangci-lint fmt ./...
	cd test/monitoring && go tool -modfile=../../hack/tools/go.mod golangci-lint fmt ./...
	cd test/dashboard && go tool -modfile=../../hack/tools/go.mod golangci-lint fmt ./...

.PHONY: codegen
codegen: ## Generate deep copies, clients and informers from pkg/apis.
	@hack/update-codegen.sh

.PHONY: unit
unit: ## Run the unit tests and the seeds of the fuzz targets, with the race detector.
	@hack/deps.sh certificates gcc
	@hack/gotest.sh unit ./...
	@MODULE=test/cluster hack/gotest.sh unit.cluster ./...
	@MODULE=test/monitoring hack/gotest.sh unit.monitoring -count=1 ./... # what they read is outside of the module, which the cache would not see

.PHONY: integration
integration: ## Run the tests on real ptp4l and a real Kubernetes API server in network namespaces (root).
	@hack/integration.sh

.PHONY: browser
browser: ## Look at the dashboard with a real browser, with one node and with a thousand (Debian's chromium).
	@hack/deps.sh certificates gcc chromium
	@MODULE=test/dashboard FORMAT=standard-verbose hack/gotest.sh browser -tags browser -count=1 -p 1 ./...

.PHONY: screenshots
screenshots: ## Take the pictures of docs/dashboard.md again (minutes).
	@hack/deps.sh certificates chromium
	cd test/dashboard && go run ./screenshots

.PHONY: vm
vm: ## Break real PTP hardware clocks in a virtual machine and compare the events (Debian on amd64; no KVM, no root).
	@hack/vm.sh

.PHONY: crash
crash: ## Kill the adapter every 50 changes while the sink and the disk fail, TRANSITIONS (default 10000) and SEED (root).
	@hack/deps.sh certificates gcc
	@FORMAT=standard-verbose hack/gotest.sh crash -tags lab -count=1 -timeout 60m ./test/crash -transitions $(TRANSITIONS) -seed $(SEED)

.PHONY: e2e
e2e: ## Bring up a real cluster with Knative, run the tests on it, and take it down (root; KEEP=1 leaves it).
	@hack/e2e.sh

.PHONY: e2e-docs
e2e-docs: ## Do on a cluster what pages and samples say (root).
	@CERT_MANAGER=1 PACKAGE=./test/docs RUN='^(TestInstallPage|TestSamples|TestGettingStartedPage)$$' hack/e2e.sh

.PHONY: e2e-run
e2e-run: ## Run tests on the cluster that KEEP=1 make e2e has left (RUN=TestName for one).
	@hack/e2e.sh run

.PHONY: test
test: ## Run lint, unit, browser, integration and vm, and print totals.
	@hack/test.sh

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (default 30s).
	@hack/fuzz.sh

.PHONY: demo
demo: ## Break a clock in several ways and see the events, without a cluster (real ptp4l as root, scripted otherwise).
	@hack/deps.sh certificates
	@go run ./test/demo

.PHONY: quickstart
quickstart: ## Build and start a real cluster with Knative on this machine, install everything, and break a clock (root).
	@hack/deps.sh certificates ptp4l cluster
	@go run ./test/demo -cluster $(QUICKSTART)

.PHONY: bench
bench: ## Measure, and print ratios against something measured in the same run (root).
	@hack/deps.sh certificates
	@go run ./test/bench

.PHONY: malformed
malformed: ## Send the O-Cloud API a million requests that are wrong, and count what becomes of them.
	@hack/deps.sh certificates
	@go run ./test/bench -only malformed

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what is linked into the binaries (network).
	$(TOOL) govulncheck ./...

.PHONY: licenses
licenses: ## Check the licences of all dependencies and keep their texts in third_party/VENDOR-LICENSE.
	hack/licenses.sh check
	hack/licenses.sh save

.PHONY: release
release: ## Build the images and write dist/eventing-ptp.yaml with its checksum (VERSION, KO_DOCKER_REPO).
	@hack/release.sh

.PHONY: release-test
release-test: ## Make a release for a registry on loopback, twice, and look at what has come of it.
	@hack/deps.sh certificates git
	@hack/release-test.sh

.PHONY: clean
clean: ## Remove everything that make has made here.
	rm -rf bin dist .cache
