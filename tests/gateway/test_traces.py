"""One post, one trace, whoever touches it; and nothing of OpenTelemetry where nobody asked for it."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chat.events import EVERYONE, Entry, Joined, Posted, Translated
from chat.ids import Position
from chat.traces import Traces, traces_to
from chat.tracing import TracesMissing, tracing
from chat.wire import encode_event
from tests.support.virtual_time import now_ms, run
from tests.support.world import ROOM, Phone, World

TEXT = "a secret that no trace may hold"


def made(share: float = 1.0, now_ns: Callable[[], int] = time.time_ns) -> tuple[Traces, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    return Traces(SimpleSpanProcessor(exporter), service="test", instance="one", share=share, now_ns=now_ns), exporter


def entry(seq: int, event: Posted | Translated | Joined, audience: str = EVERYONE) -> Entry:
    return Entry("tea", "e1", seq, 1_000, audience, encode_event(event))


def posted() -> Posted:
    return Posted(author="ann", name="Ann", text=TEXT)


def test_one_post_is_one_trace_from_append_to_translation() -> None:
    """Two gateways, a worker, two phones: the writer's gateway appends, both hear and deliver, the worker translates,
    and all spans stand in one trace, below the append."""
    traces, exporter = made(now_ns=lambda: now_ms() * 1_000_000)

    async def told() -> int:
        world = World(7, gateways=2, traces=traces)
        async with world:
            ann, bo = Phone(world, "ann", "en"), Phone(world, "bo", "zh")
            running = [world.tasks.create_task(phone.run()) for phone in (ann, bo)]
            await ann.wait_until(lambda: ann.position is not None)
            await bo.wait_until(lambda: bo.position is not None)
            once = ann.say(TEXT)
            await ann.wait_until(lambda: once in ann.acknowledged)
            await bo.wait_until(lambda: any(isinstance(event, Translated) for _, event in bo.view))
            await asyncio.sleep(1)
            for phone in (ann, bo):
                phone.leave()
            await asyncio.gather(*running)
            return ann.acknowledged[once]

    seq = run(told())
    spans = exporter.get_finished_spans()
    by_seq = [span for span in spans if (span.attributes or {}).get("diqiucun.seq") == seq]
    assert len({span.context.trace_id for span in spans}) == 1
    [append] = [span for span in spans if span.name == "append"]
    assert append.parent is None
    feeds, fan_outs = named(by_seq, "feed"), named(by_seq, "fan-out")
    assert feeds
    assert len(feeds) == len(fan_outs)
    assert sum(attribute(span, "diqiucun.deliveries") for span in fan_outs) == 2
    [translate] = named(spans, "translate")
    assert attribute(translate, "diqiucun.of") == seq
    delivered = [span for span in named(spans, "feed") if attribute(span, "diqiucun.seq") != seq]
    assert delivered, "the translation was delivered in the same trace"
    for span in [*named(spans, "feed"), translate]:
        assert span.parent is not None
        assert span.parent.span_id == append.context.span_id
    parents = {span.context.span_id for span in named(spans, "feed")}
    assert all(span.parent is not None and span.parent.span_id in parents for span in named(spans, "fan-out"))
    assert all((span.end_time or 0) >= (span.start_time or 0) for span in spans)
    told_of = "".join(span.to_json() for span in spans)
    assert ROOM in told_of
    assert TEXT not in told_of
    assert "Ann" not in told_of


def test_what_is_no_post_is_not_traced() -> None:
    traces, exporter = made()
    assert traces.delivery(entry(1, Joined(user="ann", name="Ann", role="member"))) is None
    assert not exporter.get_finished_spans()


def test_a_share_of_posts_is_the_same_share_for_every_process() -> None:
    """A post whose append is traced is traced by everybody else, too; else traces would have holes."""
    here, _ = made(0.25)
    there, exporter = made(0.25)
    traced = {seq for seq in range(1, 1001) if here.delivery(entry(seq, posted())) is not None}
    assert 180 < len(traced) < 320
    for seq in range(1, 1001):
        there.appended("tea", Position("e1", seq), 0)
    assert {attribute(span, "diqiucun.seq") for span in exporter.get_finished_spans()} == traced
    nothing, _ = made(0.0)
    assert all(nothing.delivery(entry(seq, posted())) is None for seq in range(1, 100))


def test_another_life_of_a_room_is_another_trace() -> None:
    traces, exporter = made()
    for epoch in ("e1", "e2"):
        traces.appended("tea", Position(epoch, 1), 0)
    first, second = exporter.get_finished_spans()
    assert first.context.trace_id != second.context.trace_id
    assert all(one.context.span_id != other.context.span_id for one, other in pairwise((first, second)))


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector that keeps what it is sent."""
    bodies: list[bytes] = []

    class Keeping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            bodies.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Keeping)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_left_is_sent_when_the_process_ends(
    collector: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url, bodies = collector
    traces = traces_to(url, service="diqiucun-gateway", instance="one", share=1.0)
    traces.appended("tea", Position("e1", 1), traces.now_ns(), connection="c0ffee")
    traces.close()
    [body] = bodies
    [sent] = ExportTraceServiceRequest.FromString(body).resource_spans
    [span] = sent.scope_spans[0].spans
    assert span.name == "append"
    assert {each.key: each.value.string_value or each.value.int_value for each in span.attributes} == {
        "diqiucun.room": "tea",
        "diqiucun.seq": 1,
        "diqiucun.connection": "c0ffee",
    }


@pytest.mark.parametrize("installed", [True, False])
def test_nothing_of_ours_loads_it_while_it_is_off(installed: bool) -> None:
    """Installed or not. (The Redis client looks for OpenTelemetry's metrics by itself where they are installed; what
    makes and sends spans is loaded by us alone.)"""
    script = (
        "import asyncio, sys\n"
        f"if not {installed}: sys.modules['opentelemetry'] = None\n"
        "import gateway.app, translator.__main__\n"
        "from chat.tracing import tracing\n"
        "from gateway.settings import load_settings\n"
        "async def look():\n"
        "    to = load_settings().otlp_url\n"
        "    async with tracing(to, service='x', instance='x', share=1.0) as traces: assert traces is None\n"
        "asyncio.run(look())\n"
        "ours = 'chat.traces', 'opentelemetry.exporter', 'opentelemetry.sdk.trace.export'\n"
        "print([name for name in ours if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


async def test_who_wants_traces_without_the_extra_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chat.traces", None)
    with pytest.raises(TracesMissing, match=r"diqiucun\[otel\]"):
        async with tracing("http://127.0.0.1:1/v1/traces", service="x", instance="x", share=1.0):
            pass


def named(spans: list[ReadableSpan] | tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def attribute(span: ReadableSpan, name: str) -> int:
    value = (span.attributes or {})[name]
    assert isinstance(value, int)
    return value
