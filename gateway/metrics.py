"""The table of a gateway's metrics, and `/metrics` made of it.

Invariant: `/metrics` prints what the long-lived objects say in `statistics()` and invents nothing; this table adds the
kind, the words and the unit. docs/metrics.md is written from it, and a test of the house compares both with a running
gateway, in both directions: a statistic without a row fails there, and so does a row that nobody counts.

Names follow Prometheus: base units, `_total` behind counters. What translators report about themselves is described in
`translator.metrics`; here it is passed on, added up over all that live.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from chat.measuring import Distribution, Statistic

PREFIX: Final = "diqiucun_"
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
OF_TRANSLATORS: Final = "translator_"
Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Row:
    """One metric. `name` as in `statistics()`; `label` where it comes once for each of several values."""

    name: str
    kind: Kind
    words: str
    label: str = ""
    only: str = ""
    """Where it is there at all, if not always."""

    @property
    def exposed(self) -> str:
        """As in `/metrics`, without the endings of a histogram."""
        return PREFIX + self.name + ("_total" if self.kind == "counter" and not self.name.endswith("_total") else "")


_CLUSTER: Final = "with a cluster"
_ARCHIVE: Final = "with an archive"
_ROOMS: Final = "with DIQIUCUN_METRICS_ROOMS"

ROWS: Final = (
    # -- connections
    Row("connections", "gauge", "Clients connected now."),
    Row("connections_opened_total", "counter", "Clients that have connected."),
    Row("connections_refused_total", "counter", "Handshakes refused because too many came at once."),
    Row("resumes_under_way", "gauge", "Hellos, resumes and joins that ask the engine now."),
    Row("resumes_waiting", "gauge", "Hellos, resumes and joins that wait for their turn to ask it."),
    Row("resumes_refused_total", "counter", "Hellos refused because too many waited."),
    Row("writes_under_way", "gauge", "Posts, edits and reactions that wait for the engine now."),
    Row("writes_refused_by_member_total", "counter", "Of these, refused because their member had too many."),
    Row("writes_refused_by_room_total", "counter", "Refused because their room had too many."),
    Row("writes_refused_by_process_total", "counter", "Refused because this process had too many."),
    Row("closed_total", "counter", "Connections closed by us, by reason (docs/protocol.md, close codes).", "reason"),
    Row("refused_total", "counter", "Commands answered with an error, by its code.", "code"),
    Row("commands_total", "counter", "Commands received over WebSockets."),
    Row("posts_acknowledged_total", "counter", "Posts acknowledged over WebSockets; a repeated one counts each time."),
    Row("outbox_bytes", "gauge", "Bytes accepted for clients that the kernel has not taken yet, all clients together."),
    Row("outbox_bytes_fullest", "gauge", "The same of the client to whom most is owed; it is closed at 1 MiB."),
    Row("outbox_paused", "gauge", "Clients that read more slowly than they are written to right now."),
    # -- rooms and delivery
    Row("rooms", "gauge", "Rooms with somebody connected here."),
    Row("groups", "gauge", "Groups of readers who receive the same bytes (room, codec, languages)."),
    Row("rooms_followed", "gauge", "Rooms whose entries this process receives."),
    Row("deliveries_total", "counter", "Entries owed to one reader each, replayed ones included."),
    Row("entries_delivered_total", "counter", "Entries handed to this process's readers, once each."),
    Row("entries_refilled_total", "counter", "Of these, entries read from the log because the feed had a hole."),
    Row("feed_gaps_total", "counter", "Times the feed was away, after which rooms are read again from the log."),
    Row("room_connections", "gauge", "Clients in one of the busiest rooms.", "room", _ROOMS),
    Row("room_entries_total", "counter", "Entries delivered in one of the busiest rooms.", "room", _ROOMS),
    Row("room_deliveries_total", "counter", "Entries times readers in one of the busiest rooms.", "room", _ROOMS),
    # -- latencies
    Row("append_seconds", "histogram", "How long the engine took to store and publish an event, failures included."),
    Row("appends_failed_total", "counter", "Appends that the engine did not answer in time, or at all."),
    Row("feed_seconds", "histogram", "Age of an entry when it reaches this process's readers. Two machines' clocks."),
    Row(
        "loop_late_seconds", "histogram", "How late the event loop was for a task due once a second: its waiting time."
    ),
    # -- naming ceremonies, previews, REST
    Row("ceremonies", "gauge", "Naming ceremonies going on in rooms with somebody connected here."),
    Row("ceremonies_ended_total", "counter", "Ceremonies that this process ended because their time was over."),
    Row("tallies_told_total", "counter", "Times a room was told how a vote stands."),
    Row("waiting_in_line", "gauge", "Connections that wait for a seat in a room that is full."),
    Row("admitted_from_line_total", "counter", "Connections that were let in after they had waited for a seat."),
    Row("live_rooms", "gauge", "Rooms for large audiences with somebody connected here."),
    Row("polls_told_total", "counter", "Times a room was told how a poll or its questions stand."),
    Row(
        "messages_left_out",
        "gauge",
        "Messages left out of the sample of live rooms that are open here; the log has them.",
    ),
    Row("previews_total", "counter", "Drafts whose translation somebody asked to see."),
    Row("previews_unanswered_total", "counter", "Of these, not answered in time."),
    Row("previews_waiting", "gauge", "Of these, waiting now."),
    Row("rest_enter_refused_total", "counter", "Guests refused because too many came from one address."),
    Row("rest_invite_looks_refused_total", "counter", "Looks at invitations refused for the same reason."),
    Row("rest_posts_refused_total", "counter", "Posts of bots refused because they came too fast."),
    Row("rest_name_looks_refused_total", "counter", "Looks at names refused because they came too fast."),
    Row("cards_drawn_total", "counter", "Name cards drawn as PNG."),
    # -- the queue of translation, as the engine has it: every gateway says the same
    Row("jobs_waiting", "gauge", "Texts that wait for translators or are in their hands. Of all processes."),
    Row("jobs_oldest_seconds", "gauge", "Age of the oldest of these. Above some seconds, translators are missing."),
    # -- the engine as this process sees it
    Row("engine_commands", "counter", "Commands sent to the engine."),
    Row("engine_in_flight", "gauge", "Calls waiting for an answer of the engine."),
    Row("engine_connects", "counter", "Connections made to the engine."),
    Row("engine_repeated", "counter", "Calls sent again after a connection was lost."),
    Row("engine_unavailable", "counter", "Calls that ended without an answer."),
    Row("engine_refused", "counter", "Calls that the engine refused: full, read-only, starting."),
    Row("engine_restarts", "counter", "Times this process started the bundled engine again."),
    Row("engine_failed_restarts", "counter", "Times it could not."),
    Row("engine_taken", "counter", "Translation jobs taken by this process; of gateways 0."),
    Row("engine_claimed", "counter", "Jobs taken over from a worker that died; of gateways 0."),
    Row("engine_unreadable", "counter", "Jobs that nobody could read; of gateways 0."),
    Row("engine_redirected", "counter", "Calls that another node had to answer.", only=_CLUSTER),
    Row("engine_topology_asked", "counter", "Times the nodes were asked who has which slots.", only=_CLUSTER),
    Row("engine_topology_changes", "counter", "Times primaries had changed.", only=_CLUSTER),
    Row("engine_archive_kept", "counter", "Entries written into the archive by this process.", only=_ARCHIVE),
    Row("engine_archive_read", "counter", "Entries read from the archive.", only=_ARCHIVE),
    Row("engine_archive_forgotten", "counter", "Recalled messages removed from the archive.", only=_ARCHIVE),
    Row("engine_archive_dropped", "counter", "Entries removed from the archive because of their age.", only=_ARCHIVE),
    Row("engine_archive_unavailable", "counter", "Calls that the archive did not answer.", only=_ARCHIVE),
    # -- the feed of this process
    Row("feed_received", "counter", "Entries that the feed brought."),
    Row("feed_whispers", "counter", "Whispers: who is here, who is typing, previews."),
    Row("feed_unreadable", "counter", "Items of the feed that could not be read."),
    Row("feed_connects", "counter", "Connections made for the feed."),
    Row("feed_followed", "gauge", "Channels subscribed."),
    Row("feed_backlog", "gauge", "Items received and not yet delivered."),
    Row("feed_dropped", "counter", "Items dropped because too many waited; a gap follows, and nothing is lost."),
    Row("feed_unconfirmed", "counter", "Rooms whose subscription no node confirmed in time.", only=_CLUSTER),
    Row("feed_nodes", "gauge", "Nodes of the cluster that the feed is connected to.", only=_CLUSTER),
    # -- archivers, as they report: every gateway says the same
    Row("archivers", "gauge", "Processes that move messages into the archive."),
    Row("archiver_moved_total", "counter", "Entries moved into the archive."),
    Row("archiver_behind", "gauge", "Entries that are to be moved and still wait in the engine: the archive's lag."),
    Row("archiver_failed_at_seconds", "gauge", "When engine or archive were away last (Unix time); 0: never."),
    Row("archiver_forgotten_total", "counter", "Recalled messages that were removed from the archive."),
    Row("archiver_dropped_total", "counter", "Entries removed because of their age."),
    Row("archiver_overtaken_total", "counter", "Moves made again because the room had changed meanwhile."),
    Row("archiver_pressed_total", "counter", "Sweeps that moved more because the engine was too full."),
    # -- webhooks, as who delivers them reports: every gateway says the same
    Row("webhook_deliverers", "gauge", "Processes that deliver webhooks, or stand by to."),
    Row("webhook_endpoints", "gauge", "Endpoints that are on."),
    Row("webhook_delivered_total", "counter", "Deliveries that were answered 2xx."),
    Row("webhook_failed_total", "counter", "Tries that were not."),
    Row("webhook_dead_total", "counter", "Deliveries given up after the last try."),
    Row("webhook_rooms_waiting", "gauge", "Rooms, times endpoints, that wait for another try."),
    # -- the classifier outside; zeros where there is none
    Row("classifier_asked_total", "counter", "Messages that the classifier was asked about."),
    Row("classifier_held_total", "counter", "Of these, those it wants held."),
    Row("classifier_refused_total", "counter", "Of these, those it wants refused."),
    Row("classifier_failed_total", "counter", "Of these, those it did not answer in time, or not readably."),
    Row("classifier_unasked_total", "counter", "Messages it was not asked about because it failed or fell behind."),
    Row("classifier_resting", "gauge", "1 while it is not asked because it failed too often in a row."),
    # -- translators
    Row("translators", "gauge", "Translators alive."),
)
TABLE: Final = {row.name: row for row in ROWS}


class Exposition:
    """`statistics()` of a process in the text format of Prometheus."""

    def __init__(self, process: str, statistics: Callable[[], Mapping[str, Statistic]]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Statistics(process, statistics))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Statistics(Collector):
    def __init__(self, process: str, statistics: Callable[[], Mapping[str, Statistic]]) -> None:
        self._process = process
        self._statistics = statistics

    def collect(self) -> list[Metric]:
        return [_family(name, value, self._process) for name, value in sorted(self._statistics().items())]


def _family(name: str, value: Statistic, process: str) -> Metric:
    row = TABLE.get(name) or _unknown(name)
    if isinstance(value, Distribution):
        histogram = HistogramMetricFamily(row.exposed, row.words, labels=["process"])
        histogram.add_metric([process], _added_up(value), value.total)
        return histogram
    labels = ["process", row.label] if row.label else ["process"]
    family: CounterMetricFamily | GaugeMetricFamily
    if row.kind == "counter":
        family = CounterMetricFamily(row.exposed.removesuffix("_total"), row.words, labels=labels)
    else:
        family = GaugeMetricFamily(row.exposed, row.words, labels=labels)
    if isinstance(value, Mapping):
        for of, number in value.items():
            family.add_metric([process, of], float(number))
    else:
        family.add_metric([process], float(value))
    return family


def _unknown(name: str) -> Row:
    """What has no row of ours: figures of translators, which may be of another version."""
    return Row(name, "counter" if name.endswith("_total") else "gauge", name.replace("_", " "))


def _added_up(value: Distribution) -> list[tuple[str, float]]:
    buckets, so_far = [], 0
    for bound, count in zip((*value.bounds, float("inf")), value.counts, strict=True):
        so_far += count
        buckets.append(("+Inf" if bound == float("inf") else repr(bound), float(so_far)))
    return buckets


def metrics_document(of_translators: Mapping[str, tuple[str, str]]) -> str:
    """docs/metrics.md. `of_translators`: (kind, words) of each metric of a translator, by its exposed name."""
    return "\n".join(
        [
            "# Metrics",
            "",
            "Generated from `gateway/metrics.py` and `translator/metrics.py` by `make docs`; change it there.",
            "",
            "Each gateway process answers `GET /metrics` in the text format of Prometheus. Every figure has the label "
            "`process`; add them up over processes. Keep the address from the public at the proxy.",
            "",
            "`docs/grafana/diqiucun.json` is a dashboard of these figures (Grafana: Dashboards, New, Import). "
            "`docker compose --profile metrics up` starts Prometheus and Grafana with it.",
            "",
            "## What to watch",
            "",
            "| question | look at |",
            "|---|---|",
            "| do posts arrive in time? | `diqiucun_append_seconds`, `diqiucun_feed_seconds`: the 99th percentile |",
            '| do readers keep up? | `diqiucun_outbox_paused`, `diqiucun_closed_total{reason="slow_reader"}` |',
            "| has a process too much to do? | `diqiucun_loop_late_seconds`, `process_cpu_seconds_total` |",
            "| is the engine well? | `diqiucun_engine_unavailable_total`, `diqiucun_feed_gaps_total` |",
            "| does history leave the engine? | `diqiucun_archiver_behind`, `diqiucun_archiver_failed_at_seconds` |",
            "| are there enough translators? | `diqiucun_jobs_oldest_seconds`, "
            "`diqiucun_translator_events_skipped_total` |",
            "",
            "## Of a gateway",
            "",
            "The engine, the feed and the queue are there only while they answer: no figure is better than an old one.",
            "",
            "| metric | kind | says |",
            "|---|---|---|",
            *(_line(row) for row in ROWS),
            "",
            "Rooms have a series each only if `DIQIUCUN_METRICS_ROOMS` is set, and then at most so many, the busiest, "
            "chosen anew every five minutes: room names are the choice of members, and `/metrics` has no lock of its "
            "own.",
            "",
            "## Of translators",
            "",
            "Gateways pass these on, added up over all translators that live (`process` is the gateway that says so: "
            "take the maximum over processes, not the sum). A translator with `DIQIUCUN_TRANSLATOR_METRICS_PORT` "
            "prints its own under the same names.",
            "",
            "| metric | kind | says |",
            "|---|---|---|",
            *(f"| `{name}` | {kind} | {words} |" for name, (kind, words) in sorted(of_translators.items())),
            "",
            "## Traces",
            "",
            "With `DIQIUCUN_OTLP_URL` (and `pip install 'diqiucun[otel]'`) gateways and translators send traces of "
            "posts to an OpenTelemetry collector: `append` (the gateway that took the post), `feed` and `fan-out` "
            "(every gateway with readers), `translate` (the translator), then `feed` and `fan-out` of the translation. "
            "`DIQIUCUN_TRACE_SHARE` of all posts are traced. Spans hold room, seq, connection, counts and languages; "
            "no text and no name of a person.",
            "",
        ]
    )


def _line(row: Row) -> str:
    label = f"{{{row.label}}}" if row.label else ""
    only = f" Only {row.only}." if row.only else ""
    return f"| `{row.exposed}{label}` | {row.kind} | {row.words}{only} |"
