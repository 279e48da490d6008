"""docs/asyncapi.yaml is what the server speaks, and follows the rules of AsyncAPI 3.0 that can be checked offline."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from chat import asyncapi, commands, frames
from chat.wire import Codec
from tests.golden.examples import COMMANDS, FRAMES, file_bytes, golden

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"
DOCUMENT = asyncapi.document()


def resolve(ref: str) -> Any:
    found: Any = DOCUMENT
    assert ref.startswith("#/")
    for part in ref[2:].split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from refs(item)


def test_the_file_is_fresh():
    assert FILE.read_text(encoding="utf-8") == asyncapi.text(), "stale: run `make docs` or `python -m chat.asyncapi`"


def test_our_yaml_means_what_a_yaml_library_reads():
    assert yaml.safe_load(asyncapi.text()) == DOCUMENT


def test_the_required_parts_are_there():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= set(server)
        assert set(re.findall(r"\{(\w+)\}", server["host"])) == set(server["variables"])
    for group in ("servers", "channels", "operations"):
        assert all(re.fullmatch(r"[\w-]+", key) for key in DOCUMENT[group])
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert "channel" in operation
    for group in DOCUMENT["components"].values():
        assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", key) for key in group)


def test_every_reference_leads_somewhere():
    found = set(refs(DOCUMENT))
    assert len(found) > 50
    for ref in found:
        assert resolve(ref)


def test_an_operation_names_messages_of_its_channel_only():
    for operation in DOCUMENT["operations"].values():
        for part in (operation, operation.get("reply")):
            if part is not None:
                prefix = part["channel"]["$ref"] + "/messages/"
                assert all(message["$ref"].startswith(prefix) for message in part["messages"])


def test_both_subprotocols_are_offered():
    headers = DOCUMENT["channels"]["chat"]["bindings"]["ws"]["headers"]["properties"]
    assert headers["Sec-WebSocket-Protocol"]["enum"] == [codec.value for codec in Codec]


def test_every_message_is_used_and_every_command_has_its_answers():
    used = set(refs(DOCUMENT["operations"]))
    for kind in get_args(commands.Command):
        assert f"#/channels/chat/messages/command_{asyncapi.tag(kind)}" in used
    for kind in get_args(frames.Frame):
        assert f"#/channels/chat/messages/frame_{asyncapi.tag(kind)}" in used


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_a_schema_is_draft_7(name: str):
    schema = DOCUMENT["components"]["schemas"][name]
    jsonschema.Draft7Validator.check_schema(schema)
    assert not set(re.findall(r'"(prefixItems|\$defs|unevaluated\w+)":', json.dumps(schema)))


@pytest.mark.parametrize("folder", ["commands", "frames"])
def test_the_golden_messages_are_valid_and_damaged_ones_are_not(folder: str):
    for path, codec, message in golden():
        if path.parent.name != folder or codec is not Codec.JSON:
            continue
        schema = {"$ref": f"#/components/schemas/{type(message).__name__}", "components": DOCUMENT["components"]}
        validator = jsonschema.Draft7Validator(schema)
        value = json.loads(file_bytes(path))
        validator.validate(value)
        for required in validator.schema["components"]["schemas"][type(message).__name__]["required"]:
            assert not validator.is_valid({key: item for key, item in value.items() if key != required})
    assert COMMANDS
    assert FRAMES
