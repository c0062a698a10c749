# What people type. Every target sets up what it needs; `make setup` is fast when nothing changed.
#
#   make run                      a day of a small shop through the hub, on this machine alone
#   make run CONFIG=my.toml       the daemon with your own configuration
#   make test                     everything that must hold before a change is done (minutes)
#   make test-long                many seeds, many kills
#   make test-clients             the official client libraries: needs Node and Chromium
#   make grades                   the built-in connectors' grades, from the examination that each takes
#   make bench                    what it costs, measured on this machine
#   make lint, make format        the code as it should look
#   make docs                     the generated pages of docs/reference
#   make build                    the packages as they are published, in dist/

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test test-long test-clients grades bench lint format types docs build clean

BIN := .venv/bin
READY := .venv/.setup-done
JOBS ?= 2
PYTEST := $(BIN)/pytest -q -n $(JOBS)

help:
	@sed -n 's/^#   //p' Makefile

$(READY): pyproject.toml scripts/setup
	@scripts/setup

setup: $(READY)

run: $(READY)
	@exec scripts/attended $(if $(CONFIG),$(BIN)/python -u scripts/run_watched.py "$(CONFIG)",$(BIN)/hub demo)

lint: $(READY)
	@echo "lint: ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python tests/house/sizes.py

types: $(READY)
	@echo "lint: mypy --strict"
	@$(BIN)/mypy --no-error-summary

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

test: lint types
	@echo "test: pytest, $(JOBS) at a time"
	@$(PYTEST) -m "not long and not clients" --hub-grades=check

test-long: $(READY)
	@echo "test: many seeds and many kills; this takes a while"
	@$(PYTEST) -m long

test-clients: $(READY)
	@scripts/client_tools
	@$(BIN)/pytest -q -m clients

grades: $(READY)
	@echo "grades: every connector is examined"
	@$(PYTEST) tests/connectors -k conformance --hub-grades=write

bench: $(READY)
	@$(BIN)/python -m tests.bench $(BENCH)

docs: $(READY)
	@$(BIN)/python docs/generate.py

build: $(READY)
	@$(BIN)/python -m pip wheel -qq --no-deps --wheel-dir dist .
	@ls dist

clean:
	@rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/clients/node_modules
