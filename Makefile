SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
UV := UV_PYTHON_DOWNLOADS=never .venv/bin/uv
PYTHON ?= python3
PORT ?= 8000
SERVICES := $(notdir $(patsubst %/__main__.py,%,$(wildcard services/*/__main__.py)))
export PORT

.PHONY: help
help: ## Show these targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z-]*:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Use
.PHONY: run demo token test keys
run: .venv/.ready ## Start the whole system in one process (SQLite, embedded bus); PORT=8001 moves it
	@exec $(PY) -m services

demo: .venv/.ready ## In a second terminal: play one complaint's way, step by step (FIXTURES=… for many)
	@$(PY) -m scripts.demo --port $(PORT) $(if $(FIXTURES),--fixtures $(FIXTURES))

token: .venv/.ready ## Print an access token of the first administrator: TOKEN=$$(make -s token)
	@$(PY) -m scripts.token --port $(PORT)

test: .venv/.ready ## Run every test that needs nothing installed
	$(PY) -m pytest -n 2

keys: .venv/.ready ## Make the keyring and the signing keys, where they are missing
	$(PY) -m scripts.keys

.PHONY: verify-audit
verify-audit: .venv/.ready ## Check that the audit log is what was written; SEALS=… for seals kept elsewhere
	@$(PY) -m services.users verify-audit $(if $(SEALS),--seals $(SEALS))

.PHONY: rotate-keys
rotate-keys: .venv/.ready ## Give every service a new signing key while everything runs; DELAY=180, NOW=1 after a leak
	@$(PY) -m scripts.rotate_keys $(if $(DELAY),--after $(DELAY)) $(if $(NOW),--now --withdraw)

.PHONY: rotate-data-keys
rotate-data-keys: .venv/.ready ## Give the keyring another key while everything runs; DELAY=180, RETIRE=1 afterwards
	@$(PY) -m scripts.rotate_data_keys $(if $(RETIRE),--retire) $(if $(DELAY),--grace $(DELAY))

##@ Change
.PHONY: check lint types imports cover isolate fix snapshots migration lock
check: lint types imports cover ## What CI runs

lint: .venv/.ready ## Style
	.venv/bin/ruff format --check . && .venv/bin/ruff check .

types: .venv/.ready ## Types
	.venv/bin/mypy

imports: .venv/.ready ## Architecture
	.venv/bin/lint-imports --no-cache

cover: .venv/.ready ## Tests with coverage
	$(PY) -m pytest -n 2 --cov --cov-report=term:skip-covered

isolate: .venv/.ready ## Each service imports with its declared dependencies alone
	@for s in $(SERVICES); do \
	  python3 -m venv --clear .venv-isolate && $(UV) pip install -q --python .venv-isolate/bin/python --no-deps --require-hashes -r requirements/$$s.txt \
	  && .venv-isolate/bin/python -c "import services.$$s.app" && echo "ok $$s" || exit 1; done; rm -rf .venv-isolate

fix: .venv/.ready ## Reformat and autofix
	.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

snapshots: .venv/.ready ## Accept API, event and access changes
	$(PY) -m pytest -q tests/contract --update-snapshots

migration: .venv/.ready ## make migration s=grievance m="add severity"
	$(PY) -m libs.common.db.migrations $(s) "$(m)"

lock: .venv/.ready ## Resolve the dependencies again and write requirements/*.txt
	$(PY) -m scripts.lock

##@ Prove
.PHONY: test-real torture mutants siege feedproof bench bench-gateway
REAL := tests/contract tests/service --ignore=tests/contract/proxy
test-real: .venv/.ready ## Whatever keeps or says something, on private PostgreSQL, RabbitMQ and Redis
	$(PY) -m libs.common.testing.servers -- $(PY) -m pytest -n 2 --real $(REAL)

torture: .venv/.ready ## 5 000 filings under 20 SIGKILLs, embedded and split: lost 0, twice 0
	$(PY) -m scripts.torture

mutants: .venv/.ready ## Take each guarantee out, one by one: the tests must go red
	$(PY) -m scripts.mutants

siege: .venv/.ready ## The door under faults, slow strangers, restarts and overload; QUICK=1, PROOFS="drain frozen"
	$(PY) -m scripts.siege $(PROOFS) $(if $(QUICK),--quick)

feedproof: .venv/.ready ## 1 000 SIGKILLs between commit and publish; a replay of 100 000 events
	$(PY) -m scripts.feedproof kill && $(PY) -m scripts.feedproof replay

bench: .venv/.ready ## Latency, CPU and memory of this machine, as ratios where it matters
	$(PY) -m bench

bench-gateway: .venv/.ready ## Our door beside nginx and HAProxy, as ratios (needs nginx-light, haproxy, wrk)
	@$(PY) -m bench.gateway

##@ Set up
.venv/.ready: requirements/dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11+ is missing: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: PYTHON=python3.12 make run"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@echo "Installing into .venv (once) …"
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@
