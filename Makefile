# Two commands set everything up: `make demo` and `make test`. Nothing but Python 3.11+, pip and make is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help install demo check test torture dev lock

help: ## what can be done here
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1	/' | expand -t 12

install: $(VENV)/.ready ## the environment, from the hash-locked requirements

demo: $(VENV)/.ready ## a plant runs 37 days, is collected, modelled and invoiced; no server to install
	@$(BIN)/lineshaft demo

check: $(VENV)/.ready ## what CI checks before the tests: format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.ready ## every test this machine can run; those that need a missing neighbour say so
	$(BIN)/python -m pytest -n 2 --dist loadgroup

torture: $(VENV)/.ready ## the tests of faults at full size: every system call of landing, compaction and load; some minutes
	LINESHAFT_TORTURE=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -rA tests/integration/test_storage_faults.py tests/integration/test_acknowledgement_order.py

dev: $(VENV)/.ready ## Dagster's web server and daemon on the demo deployment
	@mkdir -p .lineshaft/dagster && cp -n dagster.yaml .lineshaft/dagster/
	DAGSTER_HOME=$(CURDIR)/.lineshaft/dagster $(BIN)/dagster dev

lock: ## resolve requirements.lock again from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group test --group build pyproject.toml -o requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install -q --disable-pip-version-check "uv==0.13.9"
	$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
