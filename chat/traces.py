"""Traces of posts, for operators who have an OpenTelemetry collector: append -> feed -> fan-out, and -> translation.

Invariant: nothing travels with an entry. The ids of a post's trace and of its first span are a digest of the post's
place (room, epoch, seq), so every process that touches it, on whatever machine, writes into the same trace without a
byte more on the wire or in the log; and which share of posts is traced is decided by that digest too, so all decide
alike. Spans hold places, counts and languages: no text, no name, no user.

Whoever imports this module turns traces on: it is the only one that imports OpenTelemetry (the extra `diqiucun[otel]`),
and `chat.tracing` imports it only where `otlp_url` is set.
"""

import time
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, set_span_in_context

from chat.events import Entry, Translated, Untranslated
from chat.ids import Position
from chat.wire import readable_event

_POSTED: Final = b"\xa4type\xa6posted"
_ABOUT_A_POST: Final = (b"\xa4type\xaatranslated", b"\xa4type\xacuntranslated")
"""Tags as they stand behind the first byte of a body."""
CLOSE_WITHIN_MS: Final = 2_000
"""At the end of the process, for what is still to be sent."""


class _Ids(RandomIdGenerator):
    """Random ids, but for the next span, where somebody says which."""

    def __init__(self) -> None:
        self.first: SpanContext | None = None

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self.first is None else self.first.trace_id

    def generate_span_id(self) -> int:
        first, self.first = self.first, None
        return super().generate_span_id() if first is None else first.span_id


class Delivery:
    """One entry on its way from the feed to the sockets of this process."""

    __slots__ = ("_now_ns", "_span")

    def __init__(self, span: Span, now_ns: Callable[[], int]) -> None:
        self._span = span
        self._now_ns = now_ns

    def end(self, groups: int, deliveries: int) -> None:
        """What was owed has been written, as far as readers keep up."""
        self._span.set_attributes({"diqiucun.groups": groups, "diqiucun.deliveries": deliveries})
        self._span.end(self._now_ns())


class Traces:
    """One per process. No method waits: finished spans are sent by a thread of the exporter's own."""

    def __init__(
        self,
        processor: SpanProcessor,
        *,
        service: str,
        instance: str,
        share: float = 1.0,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`share` of all posts is traced, 0 to 1. `now_ns`: nanoseconds since 1970."""
        resource = Resource.create({"service.name": service, "service.instance.id": instance})
        self._ids = _Ids()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("diqiucun")
        self._below = round(share * (1 << 64))
        self.now_ns = now_ns

    def appended(self, room: str, position: Position, began_ns: int, *, connection: str = "") -> None:
        """A post stands in the log; this is the first span of its trace."""
        place = self._place(room, position.epoch, position.seq)
        if place is None:
            return
        attributes = _attributes(room, position.seq)
        if connection:
            attributes = {**attributes, "diqiucun.connection": connection}
        self._ids.first = place
        span = self._tracer.start_span(
            "append", Context(), kind=SpanKind.PRODUCER, attributes=attributes, start_time=began_ns
        )
        span.end(self.now_ns())

    def delivery(self, entry: Entry) -> Delivery | None:
        """The feed has brought an entry, which is about to be delivered. None: it is no post, no translation, or none
        of those that are traced."""
        head = entry.body[1:]
        if head.startswith(_POSTED):
            of = entry.seq
        elif head.startswith(_ABOUT_A_POST):
            event = readable_event(entry.body)
            if not isinstance(event, Translated | Untranslated):
                return None
            of = event.of
        else:
            return None
        place = self._place(entry.room, entry.epoch, of)
        if place is None:
            return None
        now_ns = self.now_ns()
        attributes = _attributes(entry.room, entry.seq)
        if of != entry.seq:
            attributes = {**attributes, "diqiucun.of": of, "diqiucun.audience": entry.audience}
        feed = self._tracer.start_span(
            "feed",
            _inside(place),
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            start_time=min(entry.at_ms * 1_000_000, now_ns),
        )
        feed.end(now_ns)
        span = self._tracer.start_span(
            "fan-out", set_span_in_context(feed), attributes=_attributes(entry.room, entry.seq), start_time=now_ns
        )
        return Delivery(span, self.now_ns)

    def translated(
        self, room: str, position: Position, of: int, began_ns: int, *, source: str, target: str, reason: str
    ) -> None:
        """What a translator said of message `of` stands in the log at `position`; `reason` where it is no
        translation."""
        place = self._place(room, position.epoch, of)
        if place is None:
            return
        attributes = {
            **_attributes(room, position.seq),
            "diqiucun.of": of,
            "diqiucun.source": source,
            "diqiucun.target": target,
            "diqiucun.reason": reason,
        }
        span = self._tracer.start_span(
            "translate", _inside(place), kind=SpanKind.CONSUMER, attributes=attributes, start_time=began_ns
        )
        span.end(self.now_ns())

    def close(self) -> None:
        """Send what is left, as long as it takes but at most `CLOSE_WITHIN_MS`. Blocks; call it in a thread."""
        self._provider.force_flush(CLOSE_WITHIN_MS)
        self._provider.shutdown()

    def _place(self, room: str, epoch: str, seq: int) -> SpanContext | None:
        """The first span of a post's trace. None where the post is not traced."""
        digest = blake2b(f"{room}/{epoch}/{seq}".encode(), digest_size=24).digest()
        trace_id, span_id = int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big")
        if trace_id & 0xFFFF_FFFF_FFFF_FFFF >= self._below or not trace_id or not span_id:
            return None
        return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def traces_to(url: str, *, service: str, instance: str, share: float) -> Traces:
    """Traces that are sent to an OTLP/HTTP collector, like http://collector:4318/v1/traces, in batches."""
    return Traces(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)), service=service, instance=instance, share=share)


def _inside(place: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(place))


def _attributes(room: str, seq: int) -> Mapping[str, str | int]:
    return {"diqiucun.room": room, "diqiucun.seq": seq}
