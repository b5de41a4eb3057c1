#!/bin/sh
# Prepare the model, then become the server. Needs the packages of requirements-serve.txt on the PATH's python.
set -eu
cd "$(dirname "$0")"
# Fewer arenas: the threads of many requests would otherwise each keep freed memory to themselves.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
# The TensorFlow engine, if it is asked for, would begin with lines about its own build.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
python -m prepare
exec python -m gunicorn --config gunicorn.conf.py flask_app:app
