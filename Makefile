# Everything a newcomer needs: `make demo`, `make test`. Targets below are what those two are made of.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --disable-pip-version-check --quiet --progress-bar off -c .ci/constraints.txt
# A process for each of two files at a time: much of the suite waits for services that it starts and kills.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
export HF_HUB_OFFLINE := 1
export LITELLM_LOCAL_MODEL_COST_MAP := True

.PHONY: help setup demo test test-long lint types imports proto proto-check migrations-check pytest bench bench-quality bench-compression bench-fleet clean

help:  ## Lists the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "memsvc needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv

.venv/.service: pyproject.toml clients/python/pyproject.toml .ci/constraints.txt | .venv/pyvenv.cfg
	@echo "Installing memsvc into .venv (a few minutes the first time) …"
	$(PIP) -e clients/python -e .
	@touch $@

.venv/.dev: .venv/.service
	$(PIP) -e clients/python -e '.[dev]'
	@touch $@

setup: .venv/.dev  ## Creates .venv with memsvc, its SDK and the development tools.

demo: .venv/.service  ## Ingests a conversation into a fresh service, asks it questions, shows what was compressed.
	$(BIN)/memsvc demo

test: setup lint types imports proto-check pytest  ## Everything CI runs.

test-long: setup  ## What repeats for minutes: two hundred kills, twenty random schedules of faults.
	$(BIN)/pytest -m long $(PYTEST_ARGS)

lint:  ## Style and likely bugs.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:  ## mypy, strict.
	$(BIN)/mypy

imports:  ## Imports point one way; the mission folders are pure.
	$(BIN)/lint-imports

proto:  ## Regenerates the code of protos/ into memsvc/v1 and the SDK.
	.ci/proto

proto-check:  ## buf lint and breaking, and whether the checked-in code is what protos/ generates.
	.ci/proto-check

pytest:  ## Unit, contract, integration and end-to-end tests.
	$(PYTEST) $(PYTEST_ARGS)

bench: setup  ## Prints the speed table: make bench DATA=locomo.json
	$(BIN)/memsvc bench speed $(if $(DATA),--data $(DATA),)

bench-quality: setup  ## Recall and answer words at token budgets, beside baselines: make bench-quality DATA=locomo.json
	$(BIN)/memsvc bench quality $(if $(DATA),--data $(DATA),)

bench-compression: setup  ## Stored tokens against what the store still holds: make bench-compression DATA=locomo.json
	$(BIN)/memsvc bench compression $(if $(DATA),--data $(DATA),)

bench-fleet: setup  ## Servers and workers over one PostgreSQL: make bench-fleet QDRANT=http://localhost:6334
	$(BIN)/memsvc bench fleet $(if $(DATA),--data $(DATA),) $(if $(QDRANT),--qdrant-url $(QDRANT),)

clean:  ## Removes the environment and every cache.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info clients/python/*.egg-info
