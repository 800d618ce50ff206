# One image for every part: web, worker, scheduler, migrate. What builds it stays behind; what runs has no compiler,
# is nobody in particular, and writes to /tmp and /var/lib/firstlight alone, so its file system may be read-only.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/firstlight
# The libraries first: they change seldom, and a change of ours then builds in seconds.
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY digest/__init__.py digest/__init__.py
RUN mkdir workers templates seeds \
    && /opt/firstlight/bin/pip install --constraint constraints.txt . \
    && /opt/firstlight/bin/pip uninstall --yes firstlight-digest
COPY digest digest
COPY workers workers
COPY templates templates
COPY seeds seeds
RUN /opt/firstlight/bin/pip install --constraint constraints.txt . \
    && /opt/firstlight/bin/python -m compileall -q /opt/firstlight/lib

FROM python:3.11-slim-bookworm AS run
RUN groupadd --system --gid 10001 firstlight \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/firstlight --create-home firstlight
COPY --from=build /opt/firstlight /opt/firstlight
ENV PATH=/opt/firstlight/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/firstlight
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["digest"]
CMD ["up", "--host", "0.0.0.0"]
