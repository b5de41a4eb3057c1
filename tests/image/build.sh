#!/usr/bin/env bash
# buildah builds the Dockerfile; what is given is added, such as --target everything. Called by run.sh, and by the tests for
# builds that can't be.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec buildah build --isolation chroot --pull-never --layers --format docker \
  --volume /etc/ssl/certs/ca-certificates.crt:/run/host/certificates.crt:ro --volume "$STATE/pip.conf:/etc/pip.conf:ro" \
  "$@" .
