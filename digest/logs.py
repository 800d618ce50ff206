"""Logs of every process: one line an event, on standard error, so that standard output is the command's own."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs() -> None:
    """Log to standard error: readable on a terminal, JSON elsewhere. Instants are UTC.

    Tracebacks come without local variables: these hold addresses and tokens.
    """
    readable = sys.stderr.isatty()
    without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if readable else [structlog.processors.ExceptionRenderer(without_locals)]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if readable
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # Looked up at each line: whoever replaces the stream, as tests do, also closes theirs.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
