"""The OpenAPI 3.1 document of the REST surface, made from the table of operations and the types of their bodies.

Nothing is written by hand twice: what the server validates with is what the document says. msgspec speaks JSON Schema
2020-12, which is what OpenAPI 3.1 speaks.
"""

import inspect
from typing import Any, Final

import msgspec

from chat.errors import ERRORS, ErrorCode
from chat.ids import OnceKey
from gateway.api import OPERATIONS
from gateway.bodies import Problem
from gateway.operation import Operation

REF: Final = "#/components/schemas/{name}"
VERSION: Final = "1"

_ALWAYS: Final = (ErrorCode.MALFORMED, ErrorCode.UNAVAILABLE)
_WITH_TOKEN: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.TOKEN_EXPIRED)
_TAGS: Final = {
    "guests": "For the page: open to whoever holds an invitation.",
    "integrators": "For programs, with a bearer token: `diqiucun token --admin` mints one, or your backend does.",
}


def openapi_document() -> dict[str, Any]:
    """The document as plain values."""
    bodies = [operation.body for operation in OPERATIONS if operation.body is not None]
    answers = [operation.answer for operation in OPERATIONS if operation.answer is not None]
    refs, components = msgspec.json.schema_components([*bodies, *answers, Problem], ref_template=REF)
    body_refs = iter(refs[: len(bodies)])
    answer_refs = iter(refs[len(bodies) : -1])
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _described(
            operation,
            next(body_refs) if operation.body is not None else None,
            next(answer_refs) if operation.answer is not None else None,
        )
        paths.setdefault("/api/v1" + operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Diqiucun",
            "version": VERSION,
            "summary": "Rooms, members, invitations and messages of a Diqiucun server.",
            "description": "Live chat speaks WebSocket at `/ws` (docs/protocol.md); this is for pages before they "
            "connect, for bots, bridges and backends. Every error has one shape; `code` is stable.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "the server that sent this document"}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _tidied(components),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _described(operation: Operation, body: Any, answer: Any) -> dict[str, Any]:
    words = inspect.getdoc(operation.handler) or ""
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": " ".join(words.split("\n\n")[0].split()),
        "tags": ["guests" if operation.public else "integrators"],
        "security": [] if operation.public else [{"token": []}],
        "responses": _responses(operation, answer),
    }
    parameters = _parameters(operation)
    if parameters:
        described["parameters"] = parameters
    if body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = []
    for place, kind in (("path", operation.where), ("query", operation.query)):
        schema = msgspec.json.schema(kind)
        ((properties, needed),) = ((each["properties"], each["required"]) for each in schema["$defs"].values())
        for name, described in properties.items():
            parameter = {"name": name, "in": place, "required": name in needed, "schema": _of_parameter(described)}
            description = parameter["schema"].pop("description", None)
            if description:
                parameter["description"] = description
            parameters.append(parameter)
    if operation.takes_once:
        schema = msgspec.json.schema(OnceKey)
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "repeat the request with the same key and it is done once; remembered for two days",
                "schema": {key: value for key, value in schema.items() if key != "description"},
            }
        )
    return parameters


def _of_parameter(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    kept = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    found = dict(kept[0]) if kept else dict(schema)
    if found.get("default", 0) is None:
        del found["default"]
    tidy: dict[str, Any] = _tidied(found)
    return tidy


def _responses(operation: Operation, answer: Any) -> dict[str, Any]:
    if answer is None:
        success: dict[str, Any] = {"description": "done"}
    elif operation.image:
        schema = {"type": "string"} if "svg" in operation.image else {}  # bytes that are no text have no schema
        success = {"description": "a picture", "content": {operation.image: {"schema": schema}}}
    elif operation.document:
        media_type = operation.document.partition(";")[0]
        success = {"description": "a file", "content": {media_type: {"schema": {"type": "string"}}}}
    elif operation.lines:
        success = {
            "description": "JSON lines, each as x-line-schema says",  # `itemSchema` comes with OpenAPI 3.2 only
            "content": {"application/jsonl": {"schema": {"type": "string"}, "x-line-schema": answer}},
        }
    else:
        success = {"description": "done", "content": {"application/json": {"schema": answer}}}
    responses: dict[str, Any] = {str(operation.status): success}
    codes = [*operation.errors, *_ALWAYS, *(() if operation.public else _WITH_TOKEN)]
    words_by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        words_by_status.setdefault(ERRORS[code].http_status, []).append(f"`{code}`: {ERRORS[code].words}")
    if operation.body is not None:
        words_by_status.setdefault(413, []).append("`too_large`: the body is larger than 65536 bytes")
        words_by_status.setdefault(415, []).append("`unsupported_media_type`: send JSON")
    for status, words in sorted(words_by_status.items()):
        responses[str(status)] = {
            "description": "; ".join(words),
            "content": {"application/json": {"schema": {"$ref": REF.format(name="Problem")}}},
        }
        if status in (429, 503):
            responses[str(status)]["headers"] = {
                "Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 0}}
            }
    return responses


def _tidied(value: Any) -> Any:
    """Docstrings lose their line breaks, and patterns the guard against Python's idea of `$`, which ECMA lacks."""
    if isinstance(value, dict):
        tidy = {key: _tidied(each) for key, each in value.items()}
        for key in ("description", "pattern"):
            if isinstance(tidy.get(key), str):
                tidy[key] = " ".join(tidy[key].split()) if key == "description" else tidy[key].replace(r"(?!\n)$", "$")
        return tidy
    return [_tidied(each) for each in value] if isinstance(value, list | tuple) else value
