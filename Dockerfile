# One image for every part: web, worker, scheduler, migrate. Built in one stage, run without a compiler or root.
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY digest digest
COPY workers workers
COPY templates templates
COPY seeds seeds
RUN python -m venv /opt/firstlight \
    && /opt/firstlight/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.11-slim
COPY --from=build /opt/firstlight /opt/firstlight
RUN useradd --system --uid 10001 --home-dir /var/lib/firstlight --create-home firstlight
USER firstlight
WORKDIR /var/lib/firstlight
ENV PATH=/opt/firstlight/bin:$PATH PYTHONUNBUFFERED=1
ENTRYPOINT ["digest"]
CMD ["up", "--host", "0.0.0.0"]
