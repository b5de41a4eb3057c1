#!/bin/sh
# Prepare the model and serve. The first python on the PATH needs the packages of requirements-serve.txt.
set -eu
cd "$(dirname "$0")"
# Few malloc arenas: otherwise every thread keeps the memory that it has freed.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
# TensorFlow, if it is the engine, would log its build.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
exec python -m http_edge --config gunicorn.conf.py flask_app:app
