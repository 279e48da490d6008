# One image for every role: `up` (everything in one container), `gateway`, `translator`, and the tools.
# Built in one stage, run in another: what compiles and downloads is not in what runs.

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN ["python", "-m", "venv", "/opt/diqiucun"]
# The requirements first, with empty packages in place of ours: they change seldom and stay in the cache.
COPY pyproject.toml README.md LICENSE NOTICE ./
RUN mkdir chat gateway translator loadtest \
 && touch chat/__init__.py gateway/__init__.py translator/__init__.py loadtest/__init__.py \
 && /opt/diqiucun/bin/pip install --no-cache-dir --disable-pip-version-check ".[otel]"
COPY chat chat
COPY gateway gateway
COPY translator translator
COPY loadtest loadtest
RUN /opt/diqiucun/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --force-reinstall .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --user-group --home-dir /data --no-create-home diqiucun \
 && install --directory --owner diqiucun --group diqiucun --mode 0700 /data
# a small font with Chinese characters (Apache-2.0), for name cards as PNG
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-wqy-microhei && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/diqiucun /opt/diqiucun
ENV PATH=/opt/diqiucun/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DIQIUCUN_DATA_DIR=/data \
    DIQIUCUN_PORT=8080 \
    DIQIUCUN_LOG_FORMAT=json
USER diqiucun
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"DIQIUCUN_PORT\"]}/readyz', timeout=2)"]
ENTRYPOINT ["diqiucun"]
CMD ["up"]
