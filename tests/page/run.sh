#!/usr/bin/env bash
# Test the page in a real Chromium against the real service. Installs Debian's Chromium (as root) if it is missing.
# `make test-page` calls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v chromium >/dev/null; then
  echo "installing chromium"
  # .ci/run builds the images meanwhile, which installs packages as well.
  flock /tmp/image-super-scaling-apt.lock sh -c 'apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium fonts-noto-core >/dev/null'
fi
# The plugin starts the browser: one per process, and the tests share two.
export PYTHONPATH="$PWD/tests/page${PYTHONPATH:+:$PYTHONPATH}"
exec "${BIN:-.venv/bin}/python" -m pytest -p chromium -p xdist --numprocesses 2 --dist worksteal tests/page "$@"
