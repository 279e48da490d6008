"""The REST surface keeps the promises of its OpenAPI document, whatever is sent to it."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis.checks import load_all_checks

from chat.hooks import Endpoint, new_secret
from gateway.api import OPERATIONS
from gateway.http import Message, Receive, Send
from gateway.openapi import openapi_document
from tests.gateway.rest import ROOM, Village

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = 25
CODE = "WELCOME23456"
HOOK = "hook1"
ENDPOINT = Endpoint(
    id=HOOK,
    url="https://hooks.example/",
    secret=new_secret(bytes(32)),
    events=("message.posted",),
    rooms=None,
    made_ms=1,
    by="root",
)
WELL_FORMED = re.compile(r"[a-z0-9][a-z0-9-]{4,63}")


def test_the_document_is_valid_openapi() -> None:
    validate(json.loads(msgspec.json.encode(openapi_document())))


def test_the_document_in_docs_is_fresh() -> None:
    assert json.loads(DOCUMENT.read_text("utf-8")) == openapi_document(), "stale: run `make docs`"


def test_every_operation_has_words_and_a_name_of_its_own() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert [operation.name for operation in OPERATIONS if not operation.handler.__doc__] == []


answered: Counter[tuple[str, int]] = Counter()


class _Fresh:
    """A village for each request: what one example deletes, the next one finds. Time stands still, so a quota would
    otherwise be spent by the first examples."""

    def __init__(self) -> None:
        self.authorization = b""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        village = await Village().opened()
        await village.with_member("ann")
        await village.invited(code=CODE)
        await village.engine.hooks.put(ENDPOINT, {})
        headers = []
        for name, value in scope["headers"]:
            if name == b"authorization" and value == b"Bearer right":
                value = b"Bearer " + village.token("root", admin=True, name="Root").encode()
            headers.append((name, value))

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered[scope["method"], message["status"]] += 1
            await send(message)

        await village.http({**scope, "headers": headers}, receive, counted)


config = schemathesis.Config.from_dict(
    {
        "generation": {"max-examples": EXAMPLES, "deterministic": True},
        "checks": {
            # a text of invisible characters is of the right type and still nothing to say
            "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404", "409", "422", "429"]},
        },
        "phases": {"coverage": {"enabled": True}},
    }
)
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", _Fresh(), config=config)


@pytest.mark.slow
@schema.parametrize()
def test_no_request_breaks_a_promise(case: Any) -> None:
    """Server errors, undocumented statuses, wrong types, bodies that do not fit their schema, ignored tokens."""
    for values, name, exists in (
        (case.path_parameters, "room", ROOM),
        (case.path_parameters, "user", "ann"),
        (case.path_parameters, "code", CODE),
        (case.path_parameters, "hook", HOOK),
        (case.body, "invite", CODE),
    ):
        # a well-formed name of something that is not there is a dull 404: mostly make it one that is there
        if isinstance(values, dict) and WELL_FORMED.fullmatch(str(values.get(name, ""))) and len(values[name]) % 4:
            values[name] = exists
    case.call_and_validate(headers={"Authorization": "Bearer right"})


@pytest.mark.slow
def test_the_requests_got_somewhere() -> None:
    """A fuzzer that is turned away at the door proves nothing."""
    assert not answered or {status for _, status in answered} >= {200, 201, 204, 400, 401, 403, 404}
    assert not answered or answered["POST", 201] + answered["GET", 200] > 50


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_without_a_token_only_what_is_public_answers(operation: Any) -> None:
    async def status() -> int:
        village = await Village().opened()
        await village.invited()
        path = operation.path.format(room=ROOM, user="ann", code=CODE, hook=HOOK, letter="msg_0", of=1)
        async with village.client() as client:
            return (await client.request(operation.method, f"/api/v1{path}", json={})).status_code

    found = asyncio.run(status())
    assert found == 401 if not operation.public else found in (200, 400)


load_all_checks()
