"""Structured logs of every process: for people on a terminal, JSON lines elsewhere.

Invariant: no token, no invitation code, no password and no text of a message is ever written. Nobody logs a text; the
rest is made sure of here, after a line is finished: values under keys that could hold a secret are blanked, nested
ones included, and what looks like a token (three dotted base64url parts), the path of an invitation or the password in
an address is blanked wherever it stands, tracebacks included. uvicorn's access log stays off: request paths hold
invitation codes.

Every line that is logged on behalf of a client carries the id of its connection (`connection`): the endpoint binds it
to the task of that connection.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

SECRET_KEYS: Final = frozenset(
    {"token", "invite", "code_of_invite", "authorization", "password", "secret", "link", "key", "api_key", "text"}
)
_BLANKED: Final = (
    (re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "***"),
    (re.compile(r"(/i/|/invites/)[A-Za-z0-9_-]{4,64}"), r"\1***"),
    (re.compile(r"(\w://[^\s/:@\"']*):[^\s/@\"']+@"), r"\1:***@"),
    (re.compile(r"((?i:bearer) )[A-Za-z0-9._~+/-]{8,}"), r"\1***"),
)
BLANK: Final = "***"


def blank_secrets(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor, for what stands under a name."""
    for key, value in event.items():
        event[key] = BLANK if key in SECRET_KEYS else _blanked(value)
    return event


def blank_line(logger: object, method: str, line: str) -> str:
    """A structlog processor behind the renderer, for what stands anywhere in the finished line."""
    for pattern, instead in _BLANKED:
        line = pattern.sub(instead, line)
    return line


def _blanked(value: Any) -> Any:
    if isinstance(value, str):
        return blank_line(None, "", value)
    if isinstance(value, Mapping):
        return {key: BLANK if key in SECRET_KEYS else _blanked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_blanked(inner) for inner in value]
    return value


def configure_logs(level: str, form: str) -> None:
    """One place for structlog and the standard library's loggers (uvicorn's and other libraries')."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    writer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    ending: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        blank_secrets,
        writer,
        blank_line,
    ]
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
