# make run | test | test-client | test-page | screenshots | test-image | lock | models | samples | picture | gradients | settings | bench | load | quality | fuzz | clean        PYTHON=python3.12 chooses the interpreter

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What `make bench` compares with; the product's locks know nothing of it.
BENCH := .venv-bench
# For the tools that import our modules.
export PYTHONPATH := $(CURDIR)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --override requirements-overrides.in \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

.PHONY: run test test-client test-page screenshots test-image lock models samples picture gradients settings bench load quality fuzz clean

# exec: a signal to make has to reach the server.
run: $(VENV)/.everything
	exec env PATH="$(CURDIR)/$(BIN):$$PATH" ./run.sh

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest
	$(MAKE) test-client

# The Java client: its own tests, and those against the service, which they start with `make run`.
test-client: $(VENV)/.dev
	mvn --batch-mode --no-transfer-progress --file client verify

# The page in a real browser: Debian's Chromium, which is installed if there is none (as root).
test-page: $(VENV)/.dev
	BIN="$(CURDIR)/$(BIN)" tests/page/run.sh $(OPTIONS)

# The pictures of the page in the documents.
screenshots: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.screenshots

# Builds the images and tries them, without Docker; needs root on Debian. The state it keeps makes the next run faster.
test-image: $(VENV)/.dev
	BIN="$(CURDIR)/$(BIN)" tests/image/run.sh $(OPTIONS)

models: $(VENV)/.everything
	$(BIN)/python -m superscaling.commands.convert noise-cancel-lite
	$(BIN)/python -m superscaling.commands.convert noise-cancel-small

samples: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.samples

picture: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.before_after

# docs/settings.md, from superscaling/settings.py.
settings: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.settings_table

gradients: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.gradients

# Everything that is said of speed and memory, into benchmarks/RESULTS.md: `make bench OPTIONS="network overhead"` for parts of it.
bench: $(VENV)/.dev $(BENCH)/.everything
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m benchmarks.bench $(OPTIONS)

# The same for a service under load.
load: $(VENV)/.dev
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m benchmarks.bench $(or $(OPTIONS),pictures thumbnail retry overload)

# `make quality OPTIONS="FOLDER --sheet sheet.png"`; see the file for more.
quality: $(VENV)/.dev
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m evaluation.quality $(OPTIONS)

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz

# Every lock is a part of the largest one, so that all have the same versions. `make lock UPGRADE=--upgrade` renews.
lock: $(VENV)/.dev
	$(LOCK) $(UPGRADE) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) requirements.in --constraint requirements-dev.txt --output-file requirements.txt
	$(LOCK) requirements-serve.in --constraint requirements-dev.txt --output-file requirements-serve.txt
	$(LOCK) requirements-bench.in --constraint requirements-dev.txt --output-file requirements-bench.txt

clean:
	rm -rf $(VENV) $(BENCH) .pytest_cache .mypy_cache .ruff_cache

# --no-deps: the locks are complete, and ISR's own metadata asks for a TensorFlow that no longer exists.
$(VENV)/.everything: requirements.txt | $(VENV)/bin/python
	@echo "installing the packages of requirements.txt into $(VENV): a minute or two, 2 GB"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.everything
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements-dev.txt
	touch $@

# PyTorch comes from PyPI for graphics cards too, and doesn't start without their libraries.
$(BENCH)/.everything: requirements-bench.txt | $(VENV)/bin/python
	@echo "installing the packages of requirements-bench.txt into $(BENCH): a few minutes, 6 GB"
	$(BIN)/python -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements-bench.txt
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
