# The service in an image. `docker build -t image-super-scaling .` holds what it takes for any model and both engines.
# With `--target slim` it has no TensorFlow: the models that are baked in, on OpenVINO.
#
#   --build-arg MODELS="noise-cancel-lite noise-cancel"   models to bake in; idealo's are fetched, verified and converted
#   --build-arg WEIGHTS_URL=...                           where to fetch them from, instead of idealo's own place

FROM ubuntu:24.04 AS base
# Versions of Ubuntu's packages come with the base image's release; pinned ones vanish from its mirrors.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 10001 upscaler \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin upscaler \
    && install -d -o 10001 -g 10001 /cache
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app

# The Python packages, from the locks alone: first what serving needs, then TensorFlow and ISR on top. pip itself stays
# outside.
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

FROM packages AS all-packages
COPY requirements.txt ./
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes \
    --requirement requirements.txt

# The code, compiled to bytecode: the service can't write beside it.
FROM base AS code
COPY . .
RUN python3 -m compileall -q . && rm -rf models

# The models, verified and converted.
FROM all-packages AS models
COPY . .
ARG MODELS="noise-cancel-lite noise-cancel-small"
ARG WEIGHTS_URL=
# What was fetched and converted by an earlier build is taken from its cache. MODELS is unquoted: the names become
# arguments of their own.
# hadolint ignore=SC2086
RUN --mount=type=cache,target=/var/cache/models \
    UPSCALER_WEIGHTS_URL="$WEIGHTS_URL" UPSCALER_CACHE_DIR=/var/cache/models python -m superscaling.commands.bake --target /baked ${MODELS}

# OpenVINO needs the conversions only, not the weight files they were made of.
FROM models AS models-without-weights
RUN find /baked -name '*.h5' -delete -o -name '*.hdf5' -delete

FROM base AS runtime
# Bytecode is there; what would be written beside it could not be. Weights that aren't baked in are kept in /cache:
# mount a volume there.
ENV PYTHONDONTWRITEBYTECODE=1 \
    UPSCALER_CACHE_DIR=/cache
EXPOSE 7777
# A start may convert a model, and warms the engine up.
HEALTHCHECK --interval=15s --timeout=5s --start-period=180s --retries=3 CMD ["python", "-m", "superscaling.commands.health"]
# As a container's first process, a shell or a Python that is just starting hears no SIGTERM; tini does, and hands it on.
ENTRYPOINT ["tini", "--"]
CMD ["./run.sh"]
LABEL org.opencontainers.image.title="image-super-scaling" \
      org.opencontainers.image.description="Enlarges pictures twofold with a neural network and removes JPEG artefacts" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM runtime AS slim
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /app /app
COPY --from=models-without-weights /baked /app/models
USER 10001:10001
ARG VERSION=unversioned
LABEL org.opencontainers.image.version="$VERSION"

# The last one is what a build without --target makes.
FROM runtime AS everything
COPY --from=all-packages /opt/venv /opt/venv
COPY --from=code /app /app
COPY --from=models /baked /app/models
USER 10001:10001
ARG VERSION=unversioned
LABEL org.opencontainers.image.version="$VERSION"
