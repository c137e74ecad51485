# Needs Go (the version of go.mod), make and git. gcc is needed by the race
# tests alone; systemd-analyze and others are used where they are there.

GO      ?= go
ARGS    ?=
FUZZTIME ?= 10s
SOAK    ?= 30m
SIM     ?= 10m

# Everything but the race tests is built without cgo: the same binaries on a
# machine with a C compiler and on one without, and they run in an empty image.
export CGO_ENABLED ?= 0

# Where goroutines meet.
RACE = ./actors/... ./node/... ./cluster/...

.PHONY: run cluster build test vet race bench chaos fuzz soak sim lint clean

## run: start a node that accepts unknown devices; more flags by ARGS="..."
run: bin/dormouse
	bin/dormouse --accept-unknown $(ARGS)

## cluster: start three nodes on loopback, in data/cluster; Ctrl-C ends them
cluster: bin/dormouse
	@deploy/local/three-nodes.sh $(ARGS)

## build: bin/dormouse, the server, and bin/dormouse-bench, devices and load
build: bin/dormouse bin/dormouse-bench

# Go knows best what is up to date.
.PHONY: bin/dormouse bin/dormouse-bench
bin/dormouse:
	$(GO) build -trimpath -o $@ ./node
bin/dormouse-bench:
	$(GO) build -trimpath -o $@ ./bench

## test: go vet, all tests, and the race detector where goroutines meet
test: vet
	$(GO) test -timeout 8m ./...
	@$(MAKE) --no-print-directory race

vet:
	$(GO) vet ./...

race:
	@if command -v gcc >/dev/null 2>&1; then \
		echo "$(GO) test -race -timeout 8m $(RACE)"; \
		CGO_ENABLED=1 $(GO) test -race -timeout 8m $(RACE); \
	elif [ "$$CI" = true ]; then \
		echo "race tests: there is no gcc, and CI must run them" >&2; exit 1; \
	else \
		echo "race tests skipped: there is no gcc on this machine"; \
	fi

## bench: what an exchange costs as multiples of a bare echo of the same minute;
## more of it by ARGS="--million --long" (15 minutes)
bench: build
	bin/dormouse-bench report --spawn bin/dormouse --nodes 3 $(ARGS)
	$(GO) test -run '^$$' -bench . -benchmem ./node/ingress

## chaos: nodes are killed and stopped under load, and the history is judged
chaos: build
	bin/dormouse-bench chaos --spawn bin/dormouse --nodes 1 --devices 2000 --for 2m $(ARGS)

## fuzz: every fuzz target for FUZZTIME
fuzz:
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

## soak: the tests called TestSoak..., for SOAK each instead of half a minute
soak:
	SOAK=$(SOAK) $(GO) test -count=1 -v -run '^TestSoak' -timeout 0 ./...

## sim: simulated clusters with new seeds for SIM; SIM_SEED=n repeats one of them
sim:
	@if [ -n "$$SIM_SEED" ]; then $(GO) test -count=1 -v -run '^TestSimulation$$' ./cluster/sim; \
	else SIM=$(SIM) $(GO) test -count=1 -v -run '^TestLongSimulation$$' -timeout 0 ./cluster/sim; fi

## lint: go vet, gofmt, and staticcheck where it is installed
lint: vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	@if command -v staticcheck >/dev/null 2>&1; then staticcheck ./...; \
	else echo "staticcheck skipped: it is not installed"; fi

clean:
	rm -rf bin
