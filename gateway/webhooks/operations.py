"""What administrators do about webhooks over REST; rows of the one table of operations in `gateway.api`.

Tries that somebody waits for (a ping, a dead letter once more) are made by this gateway itself, at once, and their
outcome is the answer; they move no cursor.
"""

from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING, Any, Final

from chat.conduct import conduct_of
from chat.errors import ErrorCode, Rejected
from chat.hooks import SECRET_BYTES, Cursor, Endpoint, body_of, new_secret, ping_body, told
from chat.ports import Hooks, Poster
from gateway.bodies import NoQuery, Nowhere
from gateway.operation import Call, Operation
from gateway.quotas import Quotas
from gateway.webhooks.bodies import (
    HookMade,
    HookRequest,
    HooksPage,
    LettersPage,
    LettersQuery,
    OfHook,
    OfLetter,
    Tried,
    checked_url,
    viewed,
)
from gateway.webhooks.deliverer import attempt

if TYPE_CHECKING:
    from gateway.api import Api

TRIES_PER_S: Final = 1.0
TRIES_BURST: Final = 20
"""Requests that one administrator has us make at once: enough for a list of dead letters."""


class Webhooks:
    """What these operations need besides."""

    def __init__(self, hooks: Hooks, poster: Poster, *, allow_private: bool) -> None:
        self.hooks = hooks
        self.poster = poster
        self.allow_private = allow_private
        self.trying = Quotas(TRIES_PER_S, TRIES_BURST)


async def create_hook(api: "Api", call: Call[Nowhere, NoQuery, HookRequest]) -> HookMade:
    """Tell a program of yours what happens from now on, signed as Standard Webhooks say. The secret is shown here and
    never again. Needs a token with `admin`, as all about webhooks."""
    webhooks, asked = _of_administrator(api, call), call.body
    endpoint = Endpoint(
        id=api.new_id(),
        url=checked_url(asked.url, allow_private=webhooks.allow_private),
        secret=new_secret(token_bytes(SECRET_BYTES)),
        events=tuple(dict.fromkeys(asked.events)),
        rooms=None if asked.rooms == "*" else tuple(dict.fromkeys(asked.rooms)),
        made_ms=api.now_ms(),
        by=call.caller.user,
    )
    cursors: dict[str, Cursor] = {}
    for room in await webhooks.hooks.heads():
        if endpoint.hears(room) and (state := await api.service.log.state(room)) is not None:
            cursors[room] = Cursor(state.head.epoch, state.head.seq, conduct_of(state.conduct).phase)
    if not await webhooks.hooks.put(endpoint, cursors):
        raise Rejected(ErrorCode.FORBIDDEN, "there are as many endpoints as a server may have; delete one first")
    return HookMade(hook=viewed(endpoint), secret=endpoint.secret)


async def list_hooks(api: "Api", call: Call[Nowhere, NoQuery, None]) -> HooksPage:
    """All endpoints, oldest first, without their secrets."""
    webhooks = _of_administrator(api, call)
    return HooksPage(hooks=tuple(viewed(endpoint) for endpoint in await webhooks.hooks.endpoints()))


async def delete_hook(api: "Api", call: Call[OfHook, NoQuery, None]) -> None:
    """Forget an endpoint with its dead letters. What is on its way may still arrive."""
    webhooks = _of_administrator(api, call)
    if not await webhooks.hooks.remove(call.where.hook):
        raise Rejected(ErrorCode.HOOK_NOT_FOUND)


async def ping_hook(api: "Api", call: Call[OfHook, NoQuery, None]) -> Tried:
    """Send it an event of type `ping` now. Answered 2xx, an endpoint that was off is on again, and is told first what
    it has missed."""
    webhooks = _of_administrator(api, call)
    endpoint = await _endpoint(webhooks, call.where.hook)
    tried = await _try(api, call, webhooks, endpoint, f"msg_{token_hex(20)}", ping_body(endpoint.id, api.now_ms()))
    if tried.delivered and endpoint.off:
        await webhooks.hooks.switch(endpoint.id, "")
    return tried


async def list_letters(api: "Api", call: Call[OfHook, LettersQuery, None]) -> LettersPage:
    """Deliveries to an endpoint that were given up, newest first; the newest thousand are kept."""
    webhooks = _of_administrator(api, call)
    endpoint = await _endpoint(webhooks, call.where.hook)
    return LettersPage(letters=tuple(await webhooks.hooks.letters(endpoint.id, call.query.limit)))


async def redeliver(api: "Api", call: Call[OfLetter, NoQuery, None]) -> Tried:
    """Try a dead letter once more, now, under its old id. Delivered, it leaves the list; so does one whose entry has
    left the log since, as recalled messages do."""
    webhooks, where = _of_administrator(api, call), call.where
    endpoint = await _endpoint(webhooks, where.hook)
    letter = await webhooks.hooks.letter(endpoint.id, where.letter)
    if letter is None:
        raise Rejected(ErrorCode.HOOK_NOT_FOUND, "there is no such dead letter")
    entry = await api.service.log.read_at(letter.room, letter.seq)
    if entry is None or entry.epoch != letter.epoch:
        await webhooks.hooks.drop_letter(endpoint.id, letter.id)
        return Tried(delivered=False, status=None, words="its entry has left the log", took_ms=0)
    body = body_of(letter.type, entry, told(entry, letter.phase).event)
    tried = await _try(api, call, webhooks, endpoint, letter.id, body)
    if tried.delivered:
        await webhooks.hooks.drop_letter(endpoint.id, letter.id)
    return tried


def _of_administrator(api: "Api", call: Call[Any, Any, Any]) -> Webhooks:
    """Raises Rejected."""
    if not call.caller.administrator:
        raise Rejected(ErrorCode.FORBIDDEN, "webhooks need a token with `admin`")
    return api.webhooks


async def _endpoint(webhooks: Webhooks, hook: str) -> Endpoint:
    endpoint = await webhooks.hooks.endpoint(hook)
    if endpoint is None:
        raise Rejected(ErrorCode.HOOK_NOT_FOUND)
    return endpoint


async def _try(
    api: "Api", call: Call[Any, Any, Any], webhooks: Webhooks, endpoint: Endpoint, delivery: str, body: bytes
) -> Tried:
    api.spend(webhooks.trying, call.caller.user)
    began_s = api.now_s()
    tried = await attempt(webhooks.poster, endpoint, delivery, body, now_ms=api.now_ms())
    return Tried(
        delivered=tried.delivered,
        status=tried.answer.status if tried.answer else None,
        words=tried.why,
        took_ms=round((api.now_s() - began_s) * 1_000),
    )


_OF_HOOK: Final = (ErrorCode.FORBIDDEN, ErrorCode.HOOK_NOT_FOUND)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/hooks", list_hooks, answer=HooksPage, errors=(ErrorCode.FORBIDDEN,)),
    Operation(
        "POST",
        "/hooks",
        create_hook,
        body=HookRequest,
        answer=HookMade,
        status=201,
        errors=(ErrorCode.FORBIDDEN,),
    ),
    Operation("DELETE", "/hooks/{hook}", delete_hook, where=OfHook, status=204, errors=_OF_HOOK),
    Operation(
        "POST", "/hooks/{hook}/ping", ping_hook, where=OfHook, answer=Tried, errors=(*_OF_HOOK, ErrorCode.TOO_FAST)
    ),
    Operation(
        "GET",
        "/hooks/{hook}/letters",
        list_letters,
        where=OfHook,
        query=LettersQuery,
        answer=LettersPage,
        errors=_OF_HOOK,
    ),
    Operation(
        "POST",
        "/hooks/{hook}/letters/{letter}",
        redeliver,
        where=OfLetter,
        answer=Tried,
        errors=(*_OF_HOOK, ErrorCode.TOO_FAST),
    ),
)
