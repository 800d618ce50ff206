"""The long-running processes: web, worker, scheduler, and all of them in one."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import structlog
import uvicorn

from digest.config import Settings, read_settings
from digest.errors import ConfigError
from digest.mail.relay_url import parse_relay_url
from digest.store.schema import require_current, upgrade
from digest.web.app import create_app
from digest.web.desk_mail import make_ready
from digest.web.site import Site
from digest.wiring import Services
from workers import scheduler
from workers.app import QUEUES, celery_app, exit_code, prepare, use_services
from workers.inline import worker_threads
from workers.lookout import lookout
from workers.tasks import enqueue

_log = structlog.get_logger("firstlight")


def run_everything(*, host: str, port: int) -> None:
    """Run web, scheduler and worker in this process on the in-memory broker, until a signal."""
    services = prepare(read_settings(broker_url="memory://"))
    _require_fit(services)
    with listen(host, port) as listener:
        upgrade(services.engine)
        _log.info("serving", listening=_name(listener), site=services.settings.base_url)
        serve_everything(services, listener, live=True)


def serve_everything(services: Services, listener: socket.socket, *, live: bool) -> None:
    """Serve with the given services until a signal; `live` False leaves the outside sources alone."""
    use_services(services)
    with worker_threads():
        ticker = scheduler.Ticker(services, enqueue, live=live)
        ticking = scheduler.start(ticker)
        try:
            _serve(services, listener)
        finally:
            ticking.shutdown(wait=False)
            ticker.leave()


def run_web(*, host: str, port: int) -> None:
    """Run the site; refuses an outdated schema and a weak secret."""
    services = prepare(read_settings())
    require_current(services.engine)
    _require_fit(services)
    with listen(host, port) as listener:
        _log.info("serving", listening=_name(listener), site=services.settings.base_url)
        _serve(services, listener)


def run_worker(*, concurrency: int, queues: str) -> None:
    """Run a Celery worker; refuses an outdated schema, a weak secret, the in-memory broker and an unknown queue.

    Ends the process with 1 where the worker fell, and did not stop because it was asked to.
    """
    wanted = [name.strip() for name in queues.split(",") if name.strip()] or list(QUEUES)
    if unknown := sorted(set(wanted) - set(QUEUES)):
        raise ConfigError(f"there is no queue {', '.join(unknown)}; the queues are: {', '.join(QUEUES)}")
    services = prepare(_settings_with_broker())
    require_current(services.engine)
    _require_fit(services)
    services.engine.dispose()  # the children open their own connections
    # Workers have nothing to say to one another: what they do is in SQL.
    options = [f"--concurrency={concurrency}", f"--queues={','.join(wanted)}", "--without-gossip", "--without-mingle"]
    celery_app.worker_main(["worker", "--loglevel=INFO", *options])
    if code := exit_code():  # type: ignore[unreachable]  # its stubs say that it never returns; it does
        sys.exit(code)


def run_scheduler() -> None:
    """Run the scheduler until a signal; refuses an outdated schema, a weak secret and the in-memory broker."""
    services = prepare(_settings_with_broker())
    require_current(services.engine)
    _require_fit(services)
    ticker = scheduler.Ticker(services, enqueue)
    ticking = scheduler.start(ticker)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    _log.info("scheduler started", tick_seconds=scheduler.TICK_SECONDS)
    stopped.wait()
    ticking.shutdown(wait=True)
    ticker.leave()


def _settings_with_broker() -> Settings:
    settings = read_settings()
    if settings.broker_url.startswith("memory:"):
        raise ConfigError(
            "DIGEST_BROKER_URL is memory://, which no second process can reach; "
            "set it to redis://..., or run everything in one process with: digest up"
        )
    return settings


def _require_fit(services: Services) -> None:
    """Refuse a missing or weak secret and an unreadable relay URL now, not at the first reader."""
    _ = services.tokens
    parse_relay_url(services.settings.smtp_url)


def listen(host: str, port: int) -> socket.socket:
    """Open the socket the site is served on; raises ConfigError where that is not possible."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (")[0]
        raise ConfigError(f"cannot listen on {host} port {port}: {reason}; name another one with --port") from error


def _name(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{host}:{port}"


def server_config(services: Services) -> uvicorn.Config:
    """Set the server up: quiet, and believing no proxy about visitors that the settings do not list."""
    return uvicorn.Config(
        create_app(services),
        log_level="warning",
        log_config=None,  # its lines come in the form of all others
        server_header=False,
        forwarded_allow_ips=services.settings.trusted_proxies,
    )


def _serve(services: Services, listener: socket.socket) -> None:
    config = server_config(services)
    watched = nullcontext() if services.settings.demo else lookout(services)
    threading.Thread(target=make_ready, args=(Site.of(services),), name="desk", daemon=True).start()
    with _signals_end_the_server_only(), watched:
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _signals_end_the_server_only() -> Iterator[None]:
    """Keep uvicorn, which raises a signal again after its shutdown, from ending what must still stop in order.

    A second signal, when the server is gone, ends the process at once.
    """
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
