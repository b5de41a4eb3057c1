#!/usr/bin/env bash
# Test the page in a real Chromium and, in part, a real Firefox against the real service. Installs Debian's (as root) if
# they are missing. `make test-page` calls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v chromium >/dev/null || ! command -v chromium-headless-shell >/dev/null || ! command -v firefox-esr >/dev/null; then
  echo "installing chromium and firefox"
  # .ci/run builds the images meanwhile, which installs packages as well.
  flock /tmp/image-super-scaling-apt.lock sh -c 'apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
      chromium chromium-headless-shell firefox-esr fonts-noto-core >/dev/null'
fi
# The plugin starts the browsers: one at a time per process, and the tests share three.
export PYTHONPATH="$PWD/tests/page${PYTHONPATH:+:$PYTHONPATH}"
exec "${BIN:-.venv/bin}/python" -m pytest -p browsers -p xdist --numprocesses 3 --dist worksteal tests/page "$@"
