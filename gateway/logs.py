"""Structured logs: for people on a terminal, JSON lines elsewhere.

Invariant: no token and no invitation code is ever written. Keys that could hold one are blanked, and strings that look
like a token (three dotted base64url parts) are blanked wherever they stand, tracebacks included. uvicorn's access log
stays off: request paths hold invitation codes.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

SECRET_KEYS: Final = frozenset({"token", "invite", "code_of_invite", "authorization", "password", "secret", "link"})
_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_INVITE_PATH: Final = re.compile(r"(/i/|/invites/)[A-Za-z0-9_-]{4,64}")
BLANK: Final = "***"


def blank_secrets(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor."""
    for key, value in event.items():
        if key in SECRET_KEYS:
            event[key] = BLANK
        elif isinstance(value, str):
            event[key] = _INVITE_PATH.sub(rf"\1{BLANK}", _TOKEN.sub(BLANK, value))
    return event


def configure_logs(level: str, form: str) -> None:
    """One place for structlog and the standard library's loggers (uvicorn's and other libraries')."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    ending: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
    ]
    if as_json:
        ending += [blank_secrets, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        ending += [blank_secrets, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.ExtraAdder()], processors=ending
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets"):
        logging.getLogger(noisy).handlers.clear()
        logging.getLogger(noisy).propagate = True
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
