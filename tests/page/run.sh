#!/usr/bin/env bash
# The page in a real Chromium, against the real service. Installs Debian's Chromium (as root) if there is none.
# `make test-page` calls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v chromium >/dev/null; then
  echo "installing chromium"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium fonts-noto-core >/dev/null
fi
# The plugin has the browser, one for all tests.
export PYTHONPATH="$PWD/tests/page${PYTHONPATH:+:$PYTHONPATH}"
exec "${BIN:-.venv/bin}/python" -m pytest -p chromium tests/page "$@"
