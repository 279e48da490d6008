"""`python -m translator`: one translation worker, put together and kept until SIGTERM. The only file that names
adapters.

Invariant: after SIGTERM or SIGINT no further job is taken, those in hand end within `stop_within_s` or are left to
another worker, and the exit status is 0; what still opens then is given up. A worker that cannot work (wrong settings,
no engine) ends with a sentence and a status that is not 0; one whose Redis is merely away waits for it, because jobs
expire by themselves.

Packages are looked at every `LOOK_S` instead of watched: an operator who installs one has it a few seconds later on
every worker of every machine that shares the directory, and no notification can be missed.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from pydantic import ValidationError

from chat.adapters.connect import connect_engine
from chat.adapters.embedded import EngineFailed as StoreFailed
from chat.collecting import collect_seldom
from chat.errors import Unavailable
from chat.logs import configure_logs
from chat.ports import TRANSLATORS, Presence, Roster
from chat.processes import process_name
from chat.stopping import Stopping, stop_signals
from chat.tracing import TracesMissing, tracing
from translator.cache import Cache
from translator.ctranslate import CTranslateEngine
from translator.engine import Engine, EngineFailed
from translator.lanes import Lanes
from translator.libretranslate import Engines, LibreTranslateEngine
from translator.metrics import GAUGES, serve_metrics
from translator.packages import PackageStore
from translator.pipeline import Pipeline
from translator.priority import Breath, yield_to_others
from translator.routes import Package
from translator.settings import TranslatorSettings
from translator.shared import SharedRows
from translator.worker import Worker

LOOK_S: Final = 10.0
REPORT_S: Final = 5.0
REPORT_LEASE_MS: Final = 20_000
COLLECT: Final = {"young": 1_000, "young_looks": 1_000}
"""Garbage is looked for in little pieces of 0.4 ms, because whoever needs this processor waits meanwhile: 5 ms for
10,000 objects. What is older is mostly jobs in hand; to look through those of a crowd takes 80 ms and finds nothing."""
TELL_S: Final = 300.0
"""How often the counters are written to the log."""

log = structlog.get_logger("translator")


def main() -> int:
    """Run a worker with the settings of the environment; the exit status."""
    try:
        settings = TranslatorSettings()
    except ValidationError as error:
        print(_words(error), file=sys.stderr)
        return 2
    configure_logs(settings.log_level, settings.log_format)
    yield_to_others(settings.translator_niceness)  # before there is a second thread: all of them inherit it
    collect_seldom(**COLLECT)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(serve(settings))
        except (StoreFailed, TracesMissing, PortTaken) as failed:
            print(failed, file=sys.stderr)
            return 1
    return 0


class PortTaken(Exception):
    """The counters cannot be shown where the settings want them. The words are for the operator."""


def _go_on() -> None:
    """Who is not nice does not breathe."""


async def serve(settings: TranslatorSettings) -> None:
    """Work until a signal says stop. Raises chat.adapters.embedded.EngineFailed, TracesMissing, PortTaken."""
    with stop_signals() as signals:
        await _serve(settings, signals)


async def _serve(settings: TranslatorSettings, signals: Stopping) -> None:
    store = PackageStore(settings.data_dir, starter=settings.starter)
    packages = await asyncio.to_thread(store.installed)
    for stray in await asyncio.to_thread(store.strays):
        log.warning("not_a_package", path=str(stray.path), why=stray.why)
    local = CTranslateEngine(threads=settings.translation_threads, device=settings.translation_device)
    server = None
    if settings.libretranslate_url:
        server = LibreTranslateEngine(settings.libretranslate_url, settings.libretranslate_key)
    engine: Engine = Engines(local, server) if server else local
    try:
        name = process_name()  # jobs are held under it
        async with (
            tracing(
                settings.otlp_url, service="diqiucun-translator", instance=name, share=settings.trace_share
            ) as traces,
            connect_engine(settings.redis_url, settings.data_dir, archive_url=settings.archive_url) as connected,
            connected.new_feed() as feed,
            Lanes(engine, Cache(settings.translation_cache_max), running_max=local.threads) as lanes,
        ):
            pipeline = Pipeline(
                engine,
                lanes,
                packages + await _offered(server, ()),
                prefer=tuple(name.strip() for name in settings.translation_prefer.split(",") if name.strip()),
            )
            worker = Worker(
                name,
                connected.jobs,
                connected.log,
                pipeline,
                parked=connected.parked,
                feed=feed,
                shared=SharedRows(connected.translations),
                running_max=settings.translation_jobs_max,
                drain_s=settings.stop_within_s,
                traces=traces,
                breathe=Breath() if settings.translator_niceness else _go_on,
            )
            metrics = await counters_shown(worker.statistics, settings)
            signals.opened(worker.stop)
            log.info("ready", engine=engine.name, threads=local.threads, routes=_routes(pipeline))
            async with asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(_look_at_packages(store, server, pipeline, local), name="packages"),
                    tasks.create_task(_tell(worker), name="statistics"),
                    tasks.create_task(_report(worker, connected.presence), name="report"),
                ]
                await worker.run()
                for task in beside:
                    task.cancel()
            if metrics is not None:
                metrics.close()
            log.info("stopped", **_counted(worker))
    finally:
        await engine.close()


async def _look_at_packages(
    store: PackageStore, server: LibreTranslateEngine | None, pipeline: Pipeline, local: CTranslateEngine
) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        known = tuple(package for package in pipeline.packages if package.server)
        packages = await asyncio.to_thread(store.installed) + await _offered(server, known)
        if packages != pipeline.packages:
            gone = set(pipeline.packages) - set(packages)
            pipeline.use(packages)
            for package in gone:
                local.forget(package)
            log.info("packages_changed", routes=_routes(pipeline))


async def _offered(server: LibreTranslateEngine | None, known: tuple[Package, ...]) -> tuple[Package, ...]:
    """What the server offers; while it is away, what it offered last, so that its routes are tried again."""
    if server is None:
        return ()
    try:
        return await server.packages()
    except EngineFailed as failed:
        log.warning("translation_server_away", why=str(failed))
        return known


async def _report(worker: Worker, presence: Presence) -> None:
    """The counters where gateways can see them: a row under a lease, as for rooms. A worker that dies leaves none."""
    while True:
        counted: dict[tuple[str, ...], int] = {
            (name if name in GAUGES else f"{name}_total",): value for name, value in worker.statistics().items()
        }
        with contextlib.suppress(Unavailable):
            await presence.report(TRANSLATORS, worker.name, Roster(total=1, readers=counted), REPORT_LEASE_MS)
        await asyncio.sleep(REPORT_S)


async def _tell(worker: Worker) -> None:
    while True:
        await asyncio.sleep(TELL_S)
        log.info("statistics", **_counted(worker))


async def counters_shown(
    statistics: Callable[[], Mapping[str, int]], settings: TranslatorSettings
) -> asyncio.Server | None:
    """None where nobody wants to see them. Raises PortTaken."""
    host, port = settings.translator_metrics_host, settings.translator_metrics_port
    if not port:
        return None
    try:
        return await serve_metrics(statistics, host, port)
    except OSError as error:
        raise PortTaken(
            f"The translator's counters cannot be shown on {host}, port {port}: {error.strerror or error}. Each "
            "translator of a machine needs a port of its own: set DIQIUCUN_TRANSLATOR_METRICS_PORT, or unset it."
        ) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        return asyncio.new_event_loop
    return lambda: uvloop.new_event_loop()


def _routes(pipeline: Pipeline) -> list[str]:
    routes = pipeline.routes()
    return [
        f"{route.through or f'{route.source} > {route.target}'}{' (starter)' if route.starter else ''}"
        for route in routes
    ]


def _counted(worker: Worker) -> dict[str, int]:
    return {name: value for name, value in worker.statistics().items() if value}


def _words(error: ValidationError) -> str:
    lines = ["The settings cannot be used:"]
    for problem in error.errors():
        name = "DIQIUCUN_" + "_".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"  {name}={str(problem['input'])[:80]}: {problem['msg'].lower()}.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
