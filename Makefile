# Every target does its own set-up: a fresh Debian needs only make and Python >= 3.11 with venv.
#
#   PYTHON       the interpreter .venv is made with (default: python3)
#   PYTEST_ARGS  more arguments for pytest, e.g. PYTEST_ARGS="-n 2 -k inverse"
#   DEMO_ARGS    more arguments for `matrl demo`
#
# pip is run under your own configuration (index, proxy, certificates), on binary wheels only, with
# the versions in constraints.txt.

SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin

# Timings and the last digits of results depend on how many threads the linear algebra uses.
# Tests use two threads and the demonstration one a core, unless the environment says otherwise.
test test-fast: DEFAULT_THREADS := 2
demo: DEFAULT_THREADS := $(shell nproc 2>/dev/null || echo 2)
test test-fast demo: export OPENBLAS_NUM_THREADS ?= $(DEFAULT_THREADS)
test test-fast demo: export OMP_NUM_THREADS ?= $(DEFAULT_THREADS)
test test-fast demo: export MKL_NUM_THREADS ?= $(DEFAULT_THREADS)

# An interpreter named by hand must be the one in .venv; the default one need not be.
SAME_PYTHON := $(if $(filter file,$(origin PYTHON)),,--same-python)
ENVIRONMENT = "$(PYTHON)" tools/environment.py --python "$(PYTHON)" $(SAME_PYTHON)

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-fast lint lint-tests format clean distclean
.PHONY: check-python env-demo env-test env-lint

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

check-python:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "error: no Python at '$(PYTHON)'. Name one with make PYTHON=..., or on Debian: apt install python3 python3-venv" >&2; \
	  exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: matrl needs Python >= 3.11, but '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1). Name another with make PYTHON=..." >&2; \
	  exit 2; }

# tools/environment.py keeps stamps, so these return at once when nothing changed, and it lets only
# one installation run at a time, so `make -j` and two makes side by side are safe.
env-demo: check-python
	@$(ENVIRONMENT) demo

env-test: check-python
	@$(ENVIRONMENT) demo test torch

env-lint: check-python
	@$(ENVIRONMENT) demo test lint

venv: check-python ## make .venv with everything for development
	@$(ENVIRONMENT) demo test lint torch

demo: env-demo ## run the demonstration
	$(BIN)/matrl demo $(DEMO_ARGS)

test: env-test ## run every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: env-test ## run the tests that are not marked slow
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

lint: env-lint ## check style, types and the layering of the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-cache

lint-tests: env-lint ## check the types of the tests, which takes as long as all of lint
	$(BIN)/pyright --pythonpath $(BIN)/python tests

format: env-lint ## sort imports, apply safe fixes and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove build products and caches; .venv and out/ stay
	rm -rf build dist src/*.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools benchmarks -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## also remove .venv
	rm -rf .venv
