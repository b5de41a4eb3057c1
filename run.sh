#!/bin/sh
# Prepare the model, then become the server. Needs the packages of requirements-serve.txt on the PATH's python.
set -eu
cd "$(dirname "$0")"
# Fewer arenas: the threads of many requests would otherwise each keep freed memory to themselves.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
# The TensorFlow engine, if it is asked for, would begin with lines about its own build.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
# In the background, so that a signal ends it at once: a shell hears none while it waits in the foreground, and
# preparing may take minutes. It is waited for: it removes what is half done.
python -m superscaling.commands.prepare &
prepare=$!
stop() { kill "$prepare" 2>/dev/null || true; wait "$prepare" || true; exit "$1"; }
trap 'stop 143' TERM
trap 'stop 130' INT
wait "$prepare"
trap - TERM INT
exec python -m gunicorn --config gunicorn.conf.py flask_app:app
