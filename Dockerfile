# One image for every process; docker-compose.yml says which one it becomes.

# `make release` wants a digest here, so that the same commit makes the same image: python:3.13-slim@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /keydesk
# The dependencies change less often than the code, so they are a layer of their own. No dev group, no embedded servers.
COPY pyproject.toml uv.lock ./
# EXTRAS="--extra otel" adds what sends traces (docs/operations.md, traces).
ARG EXTRAS=""
RUN uv sync --frozen --no-dev $EXTRAS
COPY . .
# The group "build" compiles the translations, and is not part of the image.
RUN uv sync --frozen --no-dev --group build $EXTRAS && .venv/bin/python -m dev.compile_translations && \
    uv sync --frozen --no-dev $EXTRAS && rm -r dev
RUN .venv/bin/python manage.py collectstatic --noinput && .venv/bin/python -m compileall -q audit clients foundation portal tokens

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title=Keydesk \
      org.opencontainers.image.description="Self-service portal and OAuth 2.0 authorization server for machine-to-machine clients" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.licenses=MIT
RUN groupadd --gid 10001 keydesk && \
    useradd --uid 10001 --gid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin keydesk
WORKDIR /keydesk
# Owned by root: the process can read its code and never change it.
COPY --from=build /keydesk /keydesk
ENV PATH=/keydesk/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER keydesk
EXPOSE 8000
CMD ["python", "-m", "portal.serving.cli", "--host", "::", "--port", "8000"]
