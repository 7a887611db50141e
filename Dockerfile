# Shortstop in a container: no root, no HOME, a read-only root filesystem, any user id.
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t shortstop .
#   docker run --name shortstop --read-only -p 8484:8484 -v shortstop:/data -e OPENAI_API_KEY shortstop
#   docker exec shortstop shortstop keys create "my first key"
#
# All that is written lies in /data. SIGTERM drains what is under way (server.drain_seconds) and ends.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/shortstop
# --build-arg REQUIREMENTS=requirements-postgres.txt: stores in PostgreSQL; requirements-lake.txt: content
# in Parquet files as well
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-postgres.txt requirements-lake.txt /src/
RUN /opt/shortstop/bin/pip install --require-hashes -r /src/$REQUIREMENTS
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
COPY bench /src/bench
RUN /opt/shortstop/bin/pip install --no-deps --no-build-isolation /src \
    && /opt/shortstop/bin/python -m compileall -q /opt/shortstop/lib

FROM python:3.12-slim
LABEL org.opencontainers.image.title="shortstop" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="SLM-first, LLM-backup gateway"
COPY --from=build /opt/shortstop /opt/shortstop
# Group 0 may write, whatever the user id: some platforms choose one that no image can know.
RUN mkdir /data && chgrp 0 /data && chmod 2770 /data && chown 10001 /data
ENV PATH=/opt/shortstop/bin:/usr/local/bin:/usr/bin:/bin \
    SHORTSTOP_HOME=/data/home \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:0
WORKDIR /data
VOLUME /data
EXPOSE 8484
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8484/health', timeout=2)"]
COPY deploy/container.toml /etc/shortstop/shortstop.toml
# The default model is fetched into the volume at the first start, unless it is there.
ENTRYPOINT ["/opt/shortstop/bin/python", "-m", "shortstop"]
CMD ["serve", "--config", "/etc/shortstop/shortstop.toml", "--fetch"]
