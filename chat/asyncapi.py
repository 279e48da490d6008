"""The protocol as a document for machines: `python -m chat.asyncapi` writes docs/asyncapi.yaml (AsyncAPI 3.0).

Generated from the message types themselves, so it cannot say something else than the server does; a test fails when
the file is stale. Schemas are JSON Schema draft 7, the dialect that AsyncAPI 3.0 tools expect without being told.
YAML is written here in twenty lines because the server needs no YAML library otherwise.
"""

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from chat import commands, frames, live_commands, live_frames
from chat.limits import FRAME_BYTES_MAX
from chat.wire import Codec

ANSWERS: Final[dict[type, tuple[type, ...]]] = {
    commands.Hello: (frames.RoomFrame, frames.Welcome),
    commands.CreateRoom: (frames.RoomFrame,),
    commands.Join: (frames.RoomFrame,),
    commands.History: (frames.Page,),
    commands.Presence: (frames.People,),
    commands.Glossary: (frames.GlossaryFrame,),
    commands.Preview: (frames.PreviewFrame,),
    commands.Names: (frames.NamesFrame,),
    commands.FindPeople: (frames.NamesFrame,),
    commands.Ping: (frames.Pong,),
    live_commands.Desk: (live_frames.DeskFrame,),
    live_commands.Stage: (live_frames.StageFrame,),
}
"""The answers of a command, besides `error`. All others are answered with `ack`."""
UNASKED: Final[tuple[type, ...]] = (
    *get_args(live_frames.LiveNotice),
    frames.EntryFrame,
    frames.TypingFrame,
    frames.People,
    frames.GapFrame,
    frames.TallyFrame,
    frames.ErrorFrame,
    frames.Closing,
)
"""What comes by itself. An `error` does when the command's id could not be read."""
CHANNEL: Final = "#/channels/chat"
SCHEMAS: Final = "#/components/schemas"


def answers(command: type) -> tuple[type, ...]:
    return (*ANSWERS.get(command, (frames.Ack,)), frames.ErrorFrame)


def tag(message: type) -> str:
    """The `type` of a message on the wire."""
    return str(message.__struct_config__.tag)  # type: ignore[attr-defined]  # every Struct has one


def document() -> dict[str, Any]:
    """The AsyncAPI document. Its point of view is the server's: it receives commands and sends frames."""
    every_command, every_frame = get_args(commands.Command), get_args(frames.Frame)
    _, schemas = msgspec.json.schema_components([*every_command, *every_frame], ref_template=SCHEMAS + "/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Diqiucun",
            "version": "1.0.0",
            "description": "Live group chat in which everybody reads their own language. A client says hello within "
            "ten seconds, sends commands and receives frames; docs/protocol.md tells the whole story.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            name: {
                "host": "{host}",
                "protocol": protocol,
                "description": description,
                "variables": {"host": {"description": "host and port", "default": "localhost:8080"}},
            }
            for name, protocol, description in (
                ("local", "ws", "as `make run` starts it"),
                ("public", "wss", "behind a reverse proxy that speaks TLS"),
            )
        },
        "channels": {
            "chat": {
                "address": "/ws",
                "title": "One connection of one client",
                "description": "Every WebSocket message is one command or one frame, as JSON text or as msgpack, by "
                f"the subprotocol that was chosen. A message of a client has at most {FRAME_BYTES_MAX} bytes.",
                "servers": [{"$ref": "#/servers/local"}, {"$ref": "#/servers/public"}],
                "messages": {
                    _key(kind): {"$ref": f"#/components/messages/{_key(kind)}"}
                    for kind in (*every_command, *every_frame)
                },
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "headers": {
                            "type": "object",
                            "required": ["Sec-WebSocket-Protocol"],
                            "properties": {
                                "Sec-WebSocket-Protocol": {"type": "string", "enum": [codec.value for codec in Codec]}
                            },
                        },
                        "bindingVersion": "0.1.0",
                    }
                },
            }
        },
        "operations": {_key(command): _asked(command) for command in every_command}
        | {f"notice_{tag(frame)}": _unasked(frame) for frame in UNASKED},
        "components": {
            "messages": {_key(kind): _message(kind) for kind in (*every_command, *every_frame)},
            "schemas": {name: _draft_7(schema) for name, schema in sorted(schemas.items())},
        },
    }


def yaml(value: Any, indent: int = 0) -> str:
    """Block YAML 1.2 of plain data; scalars as JSON, which is YAML."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_yaml_key(key)}:{_under(item, indent)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}-{_under(item, indent)}" for item in value)
    return f"{pad}{json.dumps(value, ensure_ascii=False)}\n"


def text() -> str:
    return "# Generated by `python -m chat.asyncapi` from chat/commands.py and chat/frames.py.\n" + yaml(document())


def _asked(command: type) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": CHANNEL},
        "summary": _summary(command),
        "messages": [_on_channel(command)],
        "reply": {
            "channel": {"$ref": CHANNEL},
            "messages": [_on_channel(frame) for frame in answers(command)],
        },
    }


def _unasked(frame: type) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": CHANNEL},
        "summary": _summary(frame),
        "messages": [_on_channel(frame)],
    }


def _message(kind: type) -> dict[str, Any]:
    return {
        "name": tag(kind),
        "title": kind.__name__,
        "summary": _summary(kind),
        "payload": {"$ref": f"{SCHEMAS}/{kind.__name__}"},
    }


def _on_channel(kind: type) -> dict[str, str]:
    return {"$ref": f"{CHANNEL}/messages/{_key(kind)}"}


def _key(kind: type) -> str:
    """`command_typing` and `frame_typing` are two messages with one tag."""
    return ("command_" if kind in get_args(commands.Command) else "frame_") + tag(kind)


def _summary(kind: type) -> str:
    """The first sentence of the docstring; the tag for a type that needs no words."""
    words = " ".join(inspect.cleandoc(kind.__doc__).split()) if kind.__doc__ else ""
    return re.split(r"(?<=[.?])\s", words)[0] if words else tag(kind)


def _draft_7(schema: Any) -> Any:
    """Draft 2020-12 as msgspec writes it, in the words of draft 7."""
    if isinstance(schema, list | tuple):
        return [_draft_7(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _draft_7(value) for key, value in schema.items() if key not in ("prefixItems", "discriminator")}
    if isinstance(schema.get("description"), str):
        plain["description"] = " ".join(schema["description"].split())
    if "prefixItems" in schema:
        plain["items"] = _draft_7(schema["prefixItems"])
    if "discriminator" in schema:
        plain["discriminator"] = schema["discriminator"]["propertyName"]
    return plain


def _under(value: Any, indent: int) -> str:
    if isinstance(value, dict | list) and value:
        return "\n" + yaml(value, indent + 1)
    return " " + yaml(value)


def _yaml_key(key: str) -> str:
    """Quoted where a reader of YAML 1.1 would take it for something else: the field `on` for true."""
    plain = re.fullmatch(r"\$?[A-Za-z_][A-Za-z0-9_-]*", key) and key.lower() not in ("on", "off", "yes", "no", "y", "n")
    return key if plain else json.dumps(key)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/asyncapi.yaml")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text(), encoding="utf-8")
