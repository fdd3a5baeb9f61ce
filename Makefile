# naru: `make help` lists the targets. Root is needed for up, down, test and bench.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Flags for `naru up`, for instance UP_FLAGS="--nodes 5 --no-egress".
UP_FLAGS ?=
# What pytest runs, for instance TESTS=tests/unit.
TESTS ?= tests
PYTEST_FLAGS ?=
# Flags for bench-api, for instance BENCH_FLAGS="--only objects --json figures.json".
BENCH_FLAGS ?=
# A tool that makes virtual machines, for test-hosts.
VM ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: ## Install what naru needs: Debian packages and the virtual environment (.venv)
	@scripts/install-packages run
	@scripts/install-venv $(PYTHON) $(VENV) requirements/runtime.lock

.PHONY: install-dev
install-dev: ## Install what the tests need besides
	@scripts/install-packages run test
	@scripts/install-venv $(PYTHON) $(VENV) requirements/dev.lock
	@$(BIN)/python scripts/install_kubectl.py

.PHONY: up
up: install ## Start a 3-node cluster on this machine and run manifests/hello.yaml on it
	@$(BIN)/naru up $(UP_FLAGS)
	@$(BIN)/naru apply -f manifests/hello.yaml
	@$(BIN)/naru rollout status deployment/hello --timeout 60s
	@$(BIN)/naru get pods -o wide

.PHONY: down
down: ## Stop the cluster and remove all it made in the kernel; its data stays (PURGE=1 removes that too)
	@if [ -x $(BIN)/naru ]; then $(BIN)/naru down $(if $(PURGE),--purge); else echo "nothing installed, nothing to stop"; fi

.PHONY: lint
lint: install-dev ## Format check, lint, types, the dependency rule
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

.PHONY: format
format: install-dev ## Format the code and mend what the linter can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: test
test: lint ## Lint, types and all tests (TESTS=path and PYTEST_FLAGS narrow it)
	@$(BIN)/python -m pytest $(PYTEST_FLAGS) $(TESTS)

.PHONY: test-hosts
test-hosts: install-dev ## Tests on a virtual machine with cgroup v2 alone; VM=path/to/vm makes it (tests/hosts/conftest.py)
	@if [ ! -x "$(VM)" ]; then echo "usage: make test-hosts VM=path/to/vm" >&2; exit 2; fi
	@NARU_VM="$(abspath $(VM))" $(BIN)/python -m pytest $(PYTEST_FLAGS) tests/hosts

.PHONY: bench
bench: install-dev ## Print the figures that naru claims its speed from
	@scripts/install-packages run bench
	@for bench in benchmarks/*.py; do echo "== $$bench"; $(BIN)/python "$$bench"; done

.PHONY: bench-api
bench-api: install-dev ## Print the API server's figures beside those of a real kube-apiserver
	@$(BIN)/python -m benchmarks.api $(BENCH_FLAGS)

.PHONY: support
support: install-dev ## Write docs/reference/support.md from the declarations of the kinds
	@PYTHONPATH=. $(BIN)/python scripts/generate_support.py

.PHONY: lock
lock: install-dev ## Pin the newest dependencies that fit, with their hashes
	@scripts/lock-requirements $(BIN)/python
