# make without a target lists what there is. Only Go and make are needed, except where a line says more.

# A tag when there is one, else the commit; outside a checkout: dev.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Static and without paths of this machine. The tests share the flags, so that they share the build cache.
export CGO_ENABLED := 0
# The version is stamped by us; Go's own stamp fails in a checkout that belongs to another user.
export GOFLAGS := -buildvcs=false -trimpath

PKG       ?= ./...
RUN       ?=
SEEDS     ?= 1000
FUZZTIME  ?= 30s
BENCH     ?= .
BENCHTIME ?= 1s
DAY       ?= 2014-03-01

BUF  := go tool -modfile=.ci/tools/go.mod buf
LINT := go tool -modfile=.ci/tools/lint.mod golangci-lint
LFT  := bin/lft -chdir=examples/weather
# One line for what a missing server kept from being tried.
UNTRIED = test -n "$$LFT_TEST_MYSQL" || \
	echo 'not tried: everything on MariaDB; to try it: eval "$$(.ci/mariadb start)" && make $@'

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z\/]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the static binary bin/lft
	go build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/lft ./cmd/lft

.PHONY: run
run: build ## Plan, apply and run examples/weather on its real data (DAY=2014-03-01)
	$(LFT) plan
	$(LFT) apply -auto-approve
	@id=weather-$$(date -u +%Y%m%d-%H%M%S) && set -x && \
	$(LFT) run flow.weather -param day=$(DAY) -id $$id && \
	$(LFT) logs $$id report -raw

.PHONY: test
test: ## Run all tests (RUN= a pattern, PKG= packages)
	go test -count=1 $(if $(RUN),-run '$(RUN)') $(PKG)
	@$(UNTRIED)

.PHONY: test/race
test/race: ## The same under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -count=1 $(if $(RUN),-run '$(RUN)') $(PKG)
	@$(UNTRIED)

.PHONY: sim
sim: ## Drive the simulator (SEEDS=1000)
	LFT_SIM_SEEDS=$(SEEDS) go test -count=1 -timeout=6h -v -run 'Seeds' ./engine/sim

.PHONY: fuzz
fuzz: ## Fuzz every parser in turn (FUZZTIME=30s each)
	@set -e; for dir in $$(go list -f '{{.Dir}}' $(PKG)); do \
		for target in $$(cat $$dir/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do \
			echo "$$target in $$dir"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$dir; \
		done; \
	done

.PHONY: bench
bench: ## Run the benchmarks (BENCH= a pattern, BENCHTIME=1s)
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $(PKG)
	@$(UNTRIED)

.PHONY: torture
torture: ## Kill -9, lost replies, half-open links at full counts: hours, on MariaDB (installs it when missing)
	eval "$$(.ci/mariadb start)" && LFT_TORTURE=1 LFT_TEST_REQUIRE=mysql \
		go test -count=1 -timeout=12h -v -run '$(or $(RUN),Torture)' ./cmd/lft/...

.PHONY: lint
lint: ## Check format, vet and linters
	@unformatted=$$(git ls-files -z '*.go' | xargs -0 -r gofmt -l) && \
		if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(LINT) run ./...
	$(BUF) lint --config .ci/buf.yaml

.PHONY: fmt
fmt: ## Format Go and proto files
	$(LINT) fmt
	$(BUF) format -w --config .ci/buf.yaml

.PHONY: generate
generate: ## Make the Go code of the protos again
	$(BUF) generate --config .ci/buf.yaml --template .ci/buf.gen.yaml

.PHONY: verify
verify: ## Fail when generated code or go.mod is not what the sources say, or the API breaks its last release
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
		$(BUF) generate --config .ci/buf.yaml --template .ci/buf.gen.yaml -o "$$dir" && \
		diff -r -x '*.proto' "$$dir/engine/api/lft" engine/api/lft || \
		{ echo 'engine/api is not what its protos say: make generate'; exit 1; }
	go mod tidy -diff
	cd .ci/tools && go mod tidy -diff && go mod tidy -diff -modfile=lint.mod
	@if tag=$$(git describe --tags --abbrev=0 2>/dev/null); then \
		$(BUF) breaking --config .ci/buf.yaml --against ".git#tag=$$tag"; fi

.PHONY: clean
clean: ## Remove what was built, and the state of the examples
	-chmod -R u+w examples/*/.lft 2>/dev/null # agents keep dependencies read-only
	rm -rf bin examples/*/.lft
	find . -path ./.git -prune -o -type f \( -name '*.test' -o -name '*.prof' \) -exec rm -f {} +
