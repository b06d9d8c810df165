# Needs Python 3.11 or newer, and make. Everything else comes into .venv from the locks, by hash.
#
#   make demo   the whole system on this machine      make lint    style, types, layers, licences
#   make test   the whole suite                       make bench   measurements
#   make lock   renew the locks from pyproject.toml   make clean   remove what make made
#   make golden record again what ODK's engines do with the forms of the suite

SHELL  := /bin/sh
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
# More than two cores: many tests wait for processes and clocks.
JOBS   ?= 4

# The first of these that is new enough; `make PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

# Each stamp says where the environment was made: a checkout that was moved needs a new one.
RUN_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
ifneq ($(wildcard $(RUN_STAMP)),)
ifneq ($(shell cat $(RUN_STAMP)),$(CURDIR))
.PHONY: $(RUN_STAMP)
endif
endif

.PHONY: install install-dev demo test lint format bench golden lock clean
.DEFAULT_GOAL := install

install: $(RUN_STAMP)
install-dev: $(DEV_STAMP)

$(RUN_STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (none found; try make PYTHON=/path/to/python)"; exit 1; }
	@if [ -f $@ ] && [ "$$(cat $@)" != "$(CURDIR)" ]; then rm -rf $(VENV); fi
	@$(BIN)/python -c 'import pip' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV) || \
		{ echo "could not make $(VENV) (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	$(PIP) install --quiet --only-binary :all: --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@printf '%s\n' "$(CURDIR)" > $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	$(PIP) install --quiet --only-binary :all: --require-hashes -r requirements-dev.lock
	@printf '%s\n' "$(CURDIR)" > $@

demo: $(RUN_STAMP)
	$(BIN)/hoidan demo

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.licences

format: $(DEV_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV_STAMP)
	$(BIN)/python -m tests.benchmarks $(ARGS)

# What ODK's own engines do with the forms of the suite: needs Java and, at GOLDEN_NODE, xforms-engine.
golden: $(DEV_STAMP)
	$(BIN)/python -m tests.golden.record $(ARGS)

# The build backend is locked too, since the project itself is installed without an index.
# uv keeps what is pinned already; `make lock ARGS=--upgrade` takes the newest that pyproject.toml allows.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-sources $(ARGS)
lock: $(DEV_STAMP)
	printf 'setuptools>=80\n' | $(COMPILE) pyproject.toml - -o requirements.lock
	printf 'setuptools>=80\n' | $(COMPILE) --extra dev --constraint requirements.lock pyproject.toml - -o requirements-dev.lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
