#!/usr/bin/env bash
# Break things while jobs are done on Celery, and check that every job ends, once and right; and the shared store of rates.
# Installs Debian's RabbitMQ and Redis (as root) if they are missing; the tests start their own. `make test-jobs` calls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || [ ! -x /usr/bin/redis-server ]; then
  echo "installing rabbitmq-server and redis-server"
  # .ci/run builds the images meanwhile, which installs packages as well. RUNLEVEL=1: no node is started.
  flock /tmp/image-super-scaling-apt.lock sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -qq --yes --no-install-recommends rabbitmq-server redis-server >/dev/null'
fi
# Not as a conftest.py: there is one above, and modules have one name.
export PYTHONPATH="$PWD/tests/jobs${PYTHONPATH:+:$PYTHONPATH}"
exec "${BIN:-.venv/bin}/python" -m pytest -p plugin tests/jobs "$@"
