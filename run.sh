#!/bin/sh
# Prepare the model, then become the server. The first python on the PATH needs the packages of requirements-serve.txt.
set -eu
cd "$(dirname "$0")"
# Few malloc arenas: otherwise every thread keeps the memory that it has freed.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
# TensorFlow, if it is the engine, would log its build.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
# In the background, so that a signal stops it at once: preparing may take minutes, and a shell handles no signal while
# a command runs in the foreground. On a signal it is waited for, because it removes what is half done.
python -m superscaling.commands.prepare &
prepare=$!
stop() { kill "$prepare" 2>/dev/null || true; wait "$prepare" || true; exit "$1"; }
trap 'stop 143' TERM
trap 'stop 130' INT
wait "$prepare"
trap - TERM INT
exec python -m gunicorn --config gunicorn.conf.py flask_app:app
