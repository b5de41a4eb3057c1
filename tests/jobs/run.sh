#!/usr/bin/env bash
# Break things while jobs are done on Celery, and check that every job ends, once and right. Installs Debian's RabbitMQ
# (as root) if it is missing; the tests start a node of their own. `make test-jobs` calls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  echo "installing rabbitmq-server"
  # .ci/run builds the images meanwhile, which installs packages as well. RUNLEVEL=1: no node is started.
  flock /tmp/image-super-scaling-apt.lock sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -qq --yes --no-install-recommends rabbitmq-server >/dev/null'
fi
# Not as a conftest.py: there is one above, and modules have one name.
export PYTHONPATH="$PWD/tests/jobs${PYTHONPATH:+:$PYTHONPATH}"
exec "${BIN:-.venv/bin}/python" -m pytest -p plugin tests/jobs "$@"
