#!/usr/bin/env bash
# Build the Dockerfile with buildah and further arguments, such as --target everything. run.sh calls it, and so do tests of
# other builds. The base is the stand-in, whatever digest the Dockerfile has.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec buildah build --isolation chroot --pull-never --layers --format docker \
  --volume /etc/ssl/certs/ca-certificates.crt:/run/host/certificates.crt:ro --volume "$STATE/pip.conf:/etc/pip.conf:ro" \
  --build-arg BASE=docker.io/library/ubuntu:24.04 "$@" .
