"""The long-running processes: web, worker, scheduler, and all of them in one."""

from __future__ import annotations

import signal
import threading

import structlog
import uvicorn

from digest.config import Settings, read_settings
from digest.errors import ConfigError
from digest.store.schema import require_current, upgrade
from digest.web.app import create_app
from digest.wiring import Services
from workers import scheduler
from workers.app import QUEUES, celery_app, prepare, use_services
from workers.inline import worker_thread
from workers.tasks import enqueue

_log = structlog.get_logger("firstlight")


def run_everything(*, host: str, port: int) -> None:
    """Run web, scheduler and worker in this process on the in-memory broker, until a signal."""
    services = prepare(read_settings(broker_url="memory://"))
    upgrade(services.engine)
    serve_everything(services, host=host, port=port, live=True)


def serve_everything(services: Services, *, host: str, port: int, live: bool) -> None:
    """Serve with the given services; `live` False leaves the outside sources alone."""
    _ = services.tokens  # a missing or weak secret is refused before anything starts
    use_services(services)
    with worker_thread():
        ticking = scheduler.start(scheduler.Ticker(services, enqueue, live=live))
        try:
            _serve(services, host=host, port=port)
        finally:
            ticking.shutdown(wait=False)


def run_web(*, host: str, port: int) -> None:
    """Run the site; refuses an outdated schema and a weak secret."""
    services = prepare(read_settings())
    require_current(services.engine)
    _ = services.tokens
    _serve(services, host=host, port=port)


def run_worker(*, concurrency: int, queues: str) -> None:
    """Run a Celery worker; refuses an outdated schema, a weak secret and the in-memory broker."""
    services = prepare(_settings_with_broker())
    require_current(services.engine)
    _ = services.tokens
    services.engine.dispose()  # the children open their own connections
    celery_app.worker_main(
        ["worker", "--loglevel=INFO", f"--concurrency={concurrency}", f"--queues={queues or ','.join(QUEUES)}"]
    )


def run_scheduler() -> None:
    """Run the scheduler until a signal; refuses an outdated schema and the in-memory broker."""
    services = prepare(_settings_with_broker())
    require_current(services.engine)
    ticking = scheduler.start(scheduler.Ticker(services, enqueue))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    _log.info("scheduler started", tick_seconds=scheduler.TICK_SECONDS)
    stopped.wait()
    ticking.shutdown(wait=True)


def _settings_with_broker() -> Settings:
    settings = read_settings()
    if settings.broker_url.startswith("memory:"):
        raise ConfigError(
            "DIGEST_BROKER_URL is memory://, which no second process can reach; "
            "set it to redis://..., or run everything in one process with: digest up"
        )
    return settings


def _serve(services: Services, *, host: str, port: int) -> None:
    uvicorn.run(
        create_app(services),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        forwarded_allow_ips=services.settings.trusted_proxies,
    )
