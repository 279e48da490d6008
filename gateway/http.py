"""HTTP: page, API, health and metrics on the port of the WebSocket.

Requests become `Call`s and answers bytes here, by the one table of `api.py`; so every operation bounds its body,
checks its caller, validates its input and reports its errors in the same way: `{code, words, retryable,
retry_after_ms}`, whatever went wrong. Nothing that a request carries is logged: paths hold invitation codes.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace
from functools import cache, partial
from re import fullmatch
from typing import Any, Final

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from chat.errors import ERRORS, CommandFailed, ErrorCode, Malformed, Rejected
from chat.limits import FRAME_BYTES_MAX
from chat.measuring import Statistic
from chat.room import Caller
from chat.text import clean_name
from gateway.api import NOBODY, Api, by_path
from gateway.bodies import Problem
from gateway.metrics import CONTENT_TYPE, Exposition
from gateway.openapi import openapi_document
from gateway.operation import Call, Operation
from gateway.web import WebFiles

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]

API_PREFIX: Final = "/api/v1"
BODY_BYTES_MAX: Final = FRAME_BYTES_MAX
"""As much as a WebSocket message: the same texts travel here."""
BODY_WITHIN_S: Final = 20.0
"""A sender that needs longer for 64 kB is not sending."""
READY_WITHIN_S: Final = 2.0

PROBLEMS: Final[Mapping[str, tuple[int, str]]] = {
    "not_found": (404, "there is nothing at this address; docs/rest.md lists what there is"),
    "method_not_allowed": (405, "this address does not take that method; the Allow header lists those it takes"),
    "too_late": (408, "the body did not arrive in time"),
    "too_large": (413, f"the body is larger than {BODY_BYTES_MAX} bytes"),
    "unsupported_media_type": (415, "send JSON, with Content-Type: application/json"),
    "upgrade_required": (426, "this address speaks WebSocket"),
    "internal": (500, "a fault of this server; it is logged there"),
}
"""What only HTTP can meet; everything else is in `chat.errors.ERRORS`."""

SECURITY_HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"permissions-policy",
        b"accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        b"magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

log = structlog.get_logger("http")


class HttpProblem(Exception):
    """One of PROBLEMS."""

    def __init__(self, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.headers = dict(headers or {})


class Http:
    """The HTTP side of one gateway process: an ASGI application, with the WebSocket endpoint beside it."""

    def __init__(
        self,
        api: Api,
        websocket: AsgiApp,
        web: WebFiles,
        *,
        name: str,
        why_not_ready: Callable[[], Awaitable[str | None]],
        statistics: Callable[[], Mapping[str, Statistic]],
        of_all: Callable[[], Awaitable[Mapping[str, float]]] | None = None,
    ) -> None:
        """`of_all`: what the engine is asked for each time: figures that are common to all processes."""
        self._api = api
        self._of_all = of_all
        self._common: Mapping[str, float] = {}
        self._websocket = websocket
        self._web = web
        self._why_not_ready = why_not_ready
        self._exposition = Exposition(name, lambda: {**statistics(), **api.statistics(), **self._common})
        routes = [
            Route("/", partial(self._page, "index.html")),
            Route("/sw.js", partial(self._page, "sw.js")),
            Route("/web/{name:path}", self._file),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
            Route(API_PREFIX + "/openapi.json", self._openapi),
            Route("/ws", self._upgrade),
        ]
        # one route for each path: Starlette would answer 405 with the methods of the first that matches only
        for path, operations in by_path().items():
            endpoint = _Dispatch(self, operations)
            routes.append(Route(API_PREFIX + path, endpoint))
        # A bare router: Starlette's application answers faults in a shape of its own before we see them.
        self._router = Router(routes, redirect_slashes=False, default=_nothing_here)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if scope["path"] == "/ws":
                await self._websocket(scope, receive, send)
            else:
                await _no_socket_here(receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        scope["app"] = self  # so that routes raise what they refuse
        try:
            await self._router(scope, receive, guarded)
        except ClientDisconnect:
            pass
        except (CommandFailed, HttpProblem, HTTPException) as refusal:
            if started:
                raise
            await _refused(refusal)(scope, receive, guarded)
        except Exception:
            log.exception("a fault in an HTTP handler", method=scope["method"], route=_route_of(scope))
            if started:
                raise
            await _problem("internal")(scope, receive, guarded)

    # -- page ------------------------------------------------------------------------------------------------------

    async def _page(self, name: str, request: Request) -> Response:
        return self._served(name, request)

    async def _file(self, request: Request) -> Response:
        return self._served(request.path_params["name"], request)

    def _served(self, name: str, request: Request) -> Response:
        file = self._web.find(name)
        if file is None:
            raise HttpProblem("not_found")
        headers = {"etag": file.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if file.etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        body = file.body
        if file.compressed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
            body = file.compressed
            headers["content-encoding"] = "gzip"
        headers["content-type"] = file.media_type
        return Response(body, headers=headers)

    # -- operators -------------------------------------------------------------------------------------------------

    async def _healthz(self, request: Request) -> Response:
        return _json({"status": "alive"})

    async def _readyz(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                why = await self._why_not_ready()
        except TimeoutError:
            why = f"the message log did not answer within {READY_WITHIN_S:g} s"
        if why is None:
            return _json({"status": "ready"})
        problem = Problem(code=ErrorCode.UNAVAILABLE, words=why, retryable=True, retry_after_ms=1000)
        return _json(problem, 503, {"retry-after": "1"})

    async def _metrics(self, request: Request) -> Response:
        if self._of_all is not None:
            self._common = await self._of_all()
        headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
        return Response(self._exposition.text(), headers=headers)

    async def _openapi(self, request: Request) -> Response:
        return Response(_document(), headers={"content-type": "application/json", "cache-control": "no-cache"})

    async def _upgrade(self, request: Request) -> Response:
        raise HttpProblem("upgrade_required", {"upgrade": "websocket", "connection": "upgrade"})

    # -- API -------------------------------------------------------------------------------------------------------

    async def perform(self, operation: Operation, request: Request) -> Response:
        """One call: who, then what, then do it."""
        caller = NOBODY if operation.public else self._caller(request)
        once = request.headers.get("idempotency-key") if operation.takes_once else None
        if once is not None and not fullmatch(r"[A-Za-z0-9_.:-]{1,64}", once):
            raise Malformed("Idempotency-Key must be 1 to 64 letters, digits or _ . : -")
        call: Call[Any, Any, Any] = Call(
            caller=caller,
            where=_converted(request.path_params, operation.where, "the address"),
            query=_converted(dict(request.query_params), operation.query, "the query"),
            body=None if operation.body is None else await _body(request, operation.body),
            address=request.client.host if request.client else "",
            base_url=str(request.base_url),
            once=once,
        )
        answer = await operation.handler(self._api, call)
        if operation.lines:
            return StreamingResponse(
                _gathered(answer), media_type="application/jsonl", headers={"cache-control": "no-store"}
            )
        if operation.document:
            kept = {"cache-control": "no-store", "content-disposition": "attachment"}
            return StreamingResponse(_gathered(answer), media_type=operation.document, headers=kept)
        if operation.image:
            return Response(answer, media_type=operation.image, headers={"cache-control": "no-store"})
        if operation.status == 204:
            return Response(status_code=204)
        return _json(answer, operation.status)

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Rejected(ErrorCode.UNAUTHENTICATED, "send Authorization: Bearer and a token")
        caller = self._api.keys.verify(token.strip())
        return caller if caller.name else replace(caller, name=clean_name(caller.user[:40]))


class _Dispatch:
    """One path and its methods, as an ASGI application (so that Starlette leaves the method to us)."""

    def __init__(self, http: Http, operations: Mapping[str, Operation]) -> None:
        self._http = http
        self._operations = operations

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        operation = self._operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            raise HttpProblem("method_not_allowed", {"allow": ", ".join(sorted(self._operations))})
        response = await self._http.perform(operation, request)
        await response(scope, receive, send)


async def _body(request: Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The decoded body. Its size is known to be bounded before anything is parsed."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HttpProblem("unsupported_media_type", {"accept": "application/json"})
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:12]) > BODY_BYTES_MAX:
        raise HttpProblem("too_large", {"connection": "close"})
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise HttpProblem("too_large", {"connection": "close"})
    except TimeoutError:
        raise HttpProblem("too_late", {"connection": "close"}) from None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body cannot be read: {error}"[:300]) from None


def _converted(values: Mapping[str, Any], kind: type[msgspec.Struct], what: str) -> msgspec.Struct:
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"{what} cannot be read: {error}"[:300]) from None


async def _gathered(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines in pieces worth a write. An engine that goes away ends the stream without its `end` line."""
    pieces = bytearray()
    try:
        async for line in lines:
            pieces += line
            if len(pieces) >= 32 * 1024:
                yield bytes(pieces)
                pieces.clear()
        yield bytes(pieces)
    except CommandFailed as failure:
        log.warning("an export was cut off", code=failure.code)


@cache
def _document() -> bytes:
    return msgspec.json.encode(openapi_document())


async def _nothing_here(scope: Message, receive: Receive, send: Send) -> None:
    raise HttpProblem("not_found")


def _refused(error: Exception) -> Response:
    if isinstance(error, CommandFailed):
        kind = ERRORS[error.code]
        headers = {}
        if error.retry_after_ms is not None:
            headers["retry-after"] = str(math.ceil(error.retry_after_ms / 1000))
        if kind.http_status == 401:
            headers["www-authenticate"] = "Bearer"
        problem = Problem(
            code=error.code, words=error.words, retryable=kind.retryable, retry_after_ms=error.retry_after_ms
        )
        return _json(problem, kind.http_status, headers)
    if isinstance(error, HttpProblem):
        return _problem(error.code, error.headers)
    if isinstance(error, HTTPException) and error.status_code != 405:
        return _problem("not_found")
    return _problem("method_not_allowed", dict(getattr(error, "headers", None) or {}))


def _problem(code: str, headers: Mapping[str, str] | None = None) -> Response:
    status, words = PROBLEMS[code]
    return _json(Problem(code=code, words=words, retryable=False, retry_after_ms=None), status, headers)


def _json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        headers={"content-type": "application/json", "cache-control": "no-store", **(headers or {})},
    )


def _takes_gzip(accepted: str) -> bool:
    return any(
        coding.partition(";")[0].strip().lower() == "gzip" and "q=0" not in coding.replace(" ", "").replace("q=0.", "")
        for coding in accepted.split(",")
    )


def _route_of(scope: Message) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", "?"))


async def _no_socket_here(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1000, "reason": ""})
