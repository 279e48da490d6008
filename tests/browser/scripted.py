"""A socket that says what a test wants said: the states a real server is seldom in.

The page and its HTTP come from the real server; only `/ws` is answered here. Everything the page sent is in `heard`.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

from tests.browser.conftest import Phone

ROOM = "welcome"
ME = "me"
EPOCH = "e1"
ROUTES = [{"source": "zh", "target": "en", "starter": True}, {"source": "en", "target": "zh", "starter": True}]
Answer = dict[str, Any] | None
ASKED_WITHIN_S = 5.0
LOOK_MS = 10


class Script:
    """`answers[type]` may replace the answer to a command: a function from the command to a frame or None."""

    def __init__(self, page: Page, *, read: int = 0, routes: list[dict[str, Any]] | None = None) -> None:
        self.page = page
        self.read = read
        self.routes = ROUTES if routes is None else routes
        self.log: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.sockets: list[WebSocketRoute] = []
        self.answers: dict[str, Callable[[dict[str, Any]], Answer]] = {}
        self.once: dict[str, int] = {}
        self.room: dict[str, Any] = {"title": "剧本", "role": "guest", "title_seq": 0, "pins": []}
        self.terms: list[dict[str, Any]] = []
        page.route_web_socket("**/ws", self._opened)

    def asked(self, kind: str) -> list[dict[str, Any]]:
        return [command for command in self.heard if command["type"] == kind]

    def wait_asked(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """What was asked of this kind, as soon as it is so many times."""
        until = time.monotonic() + ASKED_WITHIN_S
        while len(self.asked(kind)) < count and time.monotonic() < until:
            self.page.wait_for_timeout(LOOK_MS)
        assert len(self.asked(kind)) >= count, f"{kind} was asked {len(self.asked(kind))} times"
        return self.asked(kind)

    def entry(self, event: dict[str, Any], *, minutes_ago: float = 0) -> dict[str, Any]:
        """Puts an event in the log and gives its entry frame."""
        at_ms = int((time.time() - minutes_ago * 60) * 1000)
        one = {"seq": len(self.log) + 1, "at_ms": at_ms, "event": event}
        self.log.append(one)
        return {"type": "entry", "room": ROOM, "epoch": EPOCH, **one}

    def posted(self, text: str, *, author: str = "li", name: str = "小李", **more: Any) -> dict[str, Any]:
        minutes_ago = more.pop("minutes_ago", 0)
        event = {
            "type": "posted",
            "author": author,
            "name": name,
            "text": text,
            "reply_to": None,
            "mentions": [],
            **more,
        }
        return self.entry(event, minutes_ago=minutes_ago)

    def send(self, frame: dict[str, Any]) -> None:
        self.sockets[-1].send(json.dumps(frame))

    def _opened(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda data: self._hear(socket, json.loads(data)))

    def _hear(self, socket: WebSocketRoute, command: dict[str, Any]) -> None:
        self.heard.append(command)
        if command["type"] in self.answers:
            frame = self.answers[command["type"]](command)
            if frame is not None:
                socket.send(json.dumps({"re": command["id"], **frame}))
            return
        for frame in self._answer(command):
            socket.send(json.dumps(frame))

    def _answer(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        re = command["id"]
        match command["type"]:
            case "hello":
                return self._hello(command)
            case "history":
                return [self._page(command)]
            case "presence":
                people = [{"user": "li", "name": "小李", "languages": ["zh"]}]
                return [
                    {"type": "people", "room": ROOM, "total": 1, "by_language": {"zh": 1}, "people": people, "re": re}
                ]
            case "post":
                seq = self.once.get(command["once"])
                frames = []
                if seq is None:
                    frames.append(self.posted(command["text"], author=ME, name="Me", reply_to=command["reply_to"]))
                    seq = self.once[command["once"]] = len(self.log)
                return [*frames, {"type": "ack", "re": re, "position": [EPOCH, seq]}]
            case "glossary":
                return [{"type": "glossary", "re": re, "room": ROOM, "version": len(self.log), "terms": self.terms}]
            case "suggest" | "vote" | "pin" | "put_term" | "remove_term" | "configure":
                return [self.entry(self._event(command)), {"type": "ack", "re": re, "position": [EPOCH, len(self.log)]}]
            case "ping":
                return [{"type": "pong", "re": re, "at_ms": 0}]
            case _:
                return [{"type": "ack", "re": re, "position": None}]

    def _event(self, command: dict[str, Any]) -> dict[str, Any]:
        kinds = {"suggest": "suggested", "vote": "voted", "pin": "pinned", "put_term": "term_changed"}
        kinds |= {"remove_term": "term_removed", "configure": "room_changed"}
        given = {name: value for name, value in command.items() if name not in ("type", "id", "room", "once")}
        event = {"type": kinds[command["type"]], "by": ME, **given}
        if command["type"] == "suggest":
            event |= {"name": "Me", "revision": 0}
        if command["type"] in ("put_term", "remove_term"):
            event["language"] = command["language"] or ""
        if command["type"] == "configure":
            now = {"title": "剧本", "translation": "patch", "translation_budget_ms": 800, **self.room}
            event = {
                "type": "room_changed",
                "by": ME,
                **{name: given.get(name) or now[name] for name in ("title", "translation", "translation_budget_ms")},
            }
        return event

    def _hello(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        re, position = command["id"], command["rooms"][0]["position"]
        room = {
            "type": "room", "room": ROOM, "head": [EPOCH, len(self.log)],
            "recovered": True, "missed": 0, "read": self.read, "members": 2, "re": re,
            "translation": "patch", "translation_budget_ms": 800, "glossary_version": 0, **self.room,
        }  # fmt: skip
        welcome = {
            "type": "welcome", "re": re, "user": ME, "name": "Me", "languages": command["languages"], "session": "s",
            "server": "v", "refused": [], "routes": self.routes, "limits": {}, "token_expires_at_ms": 0,
        }  # fmt: skip
        missed = self.log[position[1] :] if position else []
        return [room, welcome, *({"type": "entry", "room": ROOM, "epoch": EPOCH, **one} for one in missed)]

    def _page(self, command: dict[str, Any]) -> dict[str, Any]:
        limit = command.get("limit", 50)
        if command.get("after") is not None:
            found = [one for one in self.log if one["seq"] > command["after"]]
            entries = found[:limit]
        else:
            before = command.get("before") or len(self.log) + 1
            found = [one for one in self.log if one["seq"] < before]
            entries = found[-limit:]
        return {
            "type": "page", "re": command["id"], "room": ROOM, "epoch": EPOCH, "entries": entries, "about": [],
            "first": entries[0]["seq"] if entries else 0, "last": entries[-1]["seq"] if entries else 0,
            "more": len(found) > len(entries),
        }  # fmt: skip


def walk_in(phone: Phone) -> None:
    """Somebody who has been here before: the page finds who they are on this device and asks no invitation."""
    identity = json.dumps({"token": "kept", "user": ME, "name": "Me", "expires_at_ms": 0})
    rooms = json.dumps([{"room": ROOM, "title": "剧本", "invite": phone.village.code}])
    phone.page.add_init_script(
        f"localStorage.setItem('diqiucun.identity', {json.dumps(identity)});"
        f"localStorage.setItem('diqiucun.rooms', {json.dumps(rooms)});"
    )
    phone.page.goto(f"{phone.village.url}/#/r/{ROOM}")
    phone.wait_connected()


# -- what a server says ------------------------------------------------------------------------------------------------


def refuse(code: str, *, retryable: bool = False, retry_after_ms: int | None = None) -> dict[str, object]:
    return {"type": "error", "code": code, "words": "", "retryable": retryable, "retry_after_ms": retry_after_ms}


def translated(of: int, text: str, *, revision: int = 0) -> dict[str, object]:
    told = {"type": "translated", "of": of, "revision": revision, "language": "en", "source": "zh", "text": text}
    return {**told, "engine": "e", "package": "p", "starter": True}


def untranslated(of: int, reason: str, *, source: str = "zh", language: str = "en") -> dict[str, object]:
    told = {"type": "untranslated", "of": of, "revision": 0}
    return {**told, "language": language, "source": source, "reason": reason}


def edited(of: int, text: str, *, revision: int = 1, by: str = "li") -> dict[str, object]:
    return {"type": "edited", "of": of, "by": by, "revision": revision, "text": text, "mentions": []}


def explained(of: int, *terms: tuple[str, int, int, str], language: str = "en") -> dict[str, Any]:
    rows = [{"term": term, "start": start, "end": end, "meaning": meaning} for term, start, end, meaning in terms]
    return {"type": "explained", "of": of, "revision": 0, "language": language, "terms": rows}


def suggested(of: int, text: str, *, by: str = "li", name: str = "小李", language: str = "en") -> dict[str, Any]:
    return {"type": "suggested", "of": of, "revision": 0, "language": language, "text": text, "by": by, "name": name}


def voted(of: int, suggestion: int, by: str, *, on: bool = True) -> dict[str, Any]:
    return {"type": "voted", "of": of, "suggestion": suggestion, "by": by, "on": on}


def term(source: str, target: str | None, language: str = "", note: str = "") -> dict[str, Any]:
    return {"source": source, "target": target, "language": language, "note": note, "added_by": "host"}


def preview_of(command: dict[str, Any]) -> dict[str, Any]:
    return {"type": "preview", "text": f"译：{command['text']}", "back": f"back: {command['text']}", "source": "en",
            "reason": "", "back_reason": "", "starter": False}  # fmt: skip


YYDS = "这首歌yyds，昨晚大家都破防了"


def slang(script: Script) -> None:
    script.send(script.posted(YYDS))
    script.send(script.entry(translated(1, "This song is the best ever, everyone was in tears last night")))
    script.send(
        script.entry(explained(1, ("yyds", 3, 7, "the greatest of all time"), ("破防", 13, 15, "moved to tears")))
    )
