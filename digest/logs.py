"""Logs of every process: one line an event, on standard error, so that standard output is the command's own.

No address and no token is in them: an address is named by a keyed hash, the same in every line and process. What
belongs together, from the tick through its tasks to the relay's replies, bears the same `correlation`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

import structlog
from structlog.typing import Processor

from digest.core.redaction import all_without_secrets
from digest.tokens import Tokens

CORRELATION = "correlation"
# These speak of each request, job or (mail.log: aiosmtpd) command; what matters of it is ours to say.
_TOO_TALKATIVE = ("httpx", "httpcore", "apscheduler", "alembic", "amqp", "kombu", "asyncio", "mail.log")


class _State:
    """What the lines of this process rest on: addresses are named by a hash of its own until the secret is known."""

    level: str = "INFO"
    configured: bool = False
    tokens: Tokens = Tokens([token_hex(32)])

    def name_of(self, address: str) -> str:
        return f"address:{log_name(self.tokens, address)}"


_state = _State()


def log_name(tokens: Tokens, address: str) -> str:
    """Return what stands for an address in the log."""
    return tokens.address_hashes(address)[0][:16]


def configure_logs() -> None:
    """Log to standard error: readable on a terminal, JSON elsewhere. Instants are UTC.

    What libraries log by the standard library's means comes in the same form. Tracebacks come without local variables:
    these hold addresses and tokens.
    """
    _state.configured = True
    readable = sys.stderr.isatty()
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _plain_traceback if readable else structlog.processors.ExceptionRenderer(_without_locals()),
        _redact,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_state.level),
        # Looked up at each line: whoever replaces the stream, as tests do, also closes theirs.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = _ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def adopt(level: str, tokens: Tokens | None) -> None:
    """Take over what the settings say: the least level of a line, and the secret by which addresses are named."""
    if tokens is not None:
        _state.tokens = tokens
    if level.upper() != _state.level:
        _state.level = level.upper()
        if _state.configured:
            configure_logs()


def log_surprise(error: BaseException) -> None:
    """Log an error that nothing caught, in the form of all others."""
    structlog.get_logger("firstlight").critical("failed", error=type(error).__name__, exc_info=error)


@contextmanager
def correlated(correlation: str = "", **context: str) -> Iterator[str]:
    """Give all lines within the same `correlation`: the one named, that of the caller, or a new one."""
    known = correlation or current_correlation() or token_hex(6)
    with structlog.contextvars.bound_contextvars(**{CORRELATION: known}, **context):
        yield known


def current_correlation() -> str:
    """Return the correlation of this moment; empty where there is none."""
    return str(structlog.contextvars.get_contextvars().get(CORRELATION, ""))


class _ToStandardError(logging.StreamHandler[Any]):
    """Writes to whatever standard error is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def _without_locals() -> Callable[..., Any]:
    return structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def _plain_traceback(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.processors.format_exc_info(logger, method, event)


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # What begins with an underscore is the standard library's own, and is not written.
    return {
        name: value if name.startswith("_") else all_without_secrets(value, _state.name_of)
        for name, value in event.items()
    }
