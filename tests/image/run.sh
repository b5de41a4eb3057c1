#!/usr/bin/env bash
# Build the unmodified Dockerfile with buildah and test its images with podman: no Docker, no registry, no daemon.
# Needs root on Debian (apt, a Debian mirror) and PyPI; installs its tools. `make test-image` calls it,
# and `make images` with BUILD_ONLY=1. With TEST_ONLY=1 it tests the images of an earlier call.
#
# The base image is a stand-in: a minimal Debian made by debootstrap and named ubuntu:24.04. So this does not test that
# Ubuntu has packages of these names, nor their versions (Python 3.13 in Debian 13, 3.12 in Ubuntu 24.04), nor how
# Docker publishes ports and limits CPUs and memory.
set -euo pipefail
cd "$(dirname "$0")/../.."
SUITE=${SUITE:-trixie}
STATE=${STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/image-super-scaling-image-tests}  # storage and layer cache, some GB
STAND_IN=docker.io/library/ubuntu:24.04

say() { printf '%4ds %s\n' $SECONDS "$*"; }

if [ "${1:-}" != inside ]; then
  # The tools.
  missing=()
  for package in buildah podman crun caddy debootstrap nginx-light openssl rabbitmq-server skopeo systemd; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    # RUNLEVEL=1 keeps the packages from starting Caddy, nginx and RabbitMQ. The lock: .ci/run tests the page meanwhile, which installs browsers.
    flock /tmp/image-super-scaling-apt.lock sh -c 'apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
      apt-get install -qq --yes --no-install-recommends "$@" >/dev/null' sh "${missing[@]}"
  fi

  # A separate configuration; the machine's is not touched.
  mkdir -p "$STATE/roots"
  cat > "$STATE/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$STATE/storage"
runroot = "$STATE/run"
END
  # No cgroups: crun could not set limits without a delegated one. The tests that need a CPU quota make their own cgroup.
  cat > "$STATE/containers.conf" <<END
[containers]
netns = "host"
cgroups = "disabled"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$STATE/libpod"
END
  # If a proxy with its own certificate stands before PyPI, pip in the build has to trust it.
  printf '[global]\ncert = /run/host/certificates.crt\ndisable-pip-version-check = true\n' > "$STATE/pip.conf"

  # Private mount and process namespaces, so that no mount or process outlives the tests.
  export CONTAINERS_STORAGE_CONF="$STATE/storage.conf" CONTAINERS_CONF="$STATE/containers.conf"
  export DISABLE_HC_SYSTEMD=true STATE SUITE
  exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc bash "$PWD/tests/image/run.sh" inside "$@"
fi
shift

trap 'exit 143' TERM INT  # process 1 of a namespace ignores them otherwise
# crun does not support both versions of cgroups at once; this mount namespace keeps the first.
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi

# The stand-in for the base image, made once.
if ! buildah inspect --type image "localhost/base:$SUITE" >/dev/null 2>&1; then
  mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | sed -n 1p)}
  say "making the stand-in for ubuntu:24.04 from Debian $SUITE"
  root="$STATE/roots/$SUITE"
  rm -rf "$root"
  debootstrap --variant=minbase "$SUITE" "$root" "${mirror:?apt knows no Debian mirror: name one in MIRROR}" > "$STATE/debootstrap.log" 2>&1 \
    || { tail -5 "$STATE/debootstrap.log"; exit 1; }
  # Ubuntu's image has this user: a build that wants the user ID 1000 has to fail here, too.
  chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash ubuntu
  container=$(buildah from scratch)
  tar --numeric-owner --directory "$root" --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
    --exclude=./etc/resolv.conf --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/cache/apt/*.bin' \
    --exclude='./var/lib/apt/lists/*' --create --file "$STATE/base.tar" .
  buildah add --quiet "$container" "$STATE/base.tar" / >/dev/null
  buildah config --cmd /bin/bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --rm "$container" "localhost/base:$SUITE" >/dev/null
  rm -rf "$root" "$STATE/base.tar"
fi
buildah tag "localhost/base:$SUITE" "$STAND_IN"
buildah rm --all >/dev/null 2>&1 || true  # containers of failed builds

build() {  # TARGET
  say "building $1"
  tests/image/build.sh --target "$1" --tag "localhost/image-super-scaling:$1" > "$STATE/build-$1.log" 2>&1 \
    || { tail -25 "$STATE/build-$1.log"; exit 1; }
  size=$(podman image inspect --format '{{.Size}}' "localhost/image-super-scaling:$1")
  base=$(podman image inspect --format '{{.Size}}' "$STAND_IN")
  say "$1: $((size / 1000000)) MB, $(((size - base) / 1000000)) MB above its base; $(grep --count 'Using cache' "$STATE/build-$1.log" || true) of $(grep --count ' STEP ' "$STATE/build-$1.log") steps from the cache"
}
if [ -z "${TEST_ONLY:-}" ]; then
  build default
  build everything
fi
export PYTHONPATH="$PWD/tests/jobs"  # which starts RabbitMQ as well
[ -n "${BUILD_ONLY:-}" ] || "${BIN:-.venv/bin}/python" -m pytest tests/image "$@"
# Not what is younger: the stages that the images were copied from are without a name as well, and the next build has them cached.
podman image prune --force --filter until=72h >/dev/null
say "disk: $(du --summarize --block-size=M "$STATE/storage" | cut -f1) in storage"
