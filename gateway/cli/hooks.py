"""The command of the process that delivers webhooks."""

import asyncio
import time

from gateway.settings import load_settings


def hooks() -> None:
    """One process that delivers webhooks. `up` runs one by itself; of several, one works and the others stand by."""
    from chat.adapters.connect import connect_engine
    from chat.adapters.http_poster import HttpPoster
    from chat.logs import configure_logs
    from chat.processes import process_name
    from chat.stopping import stop_signals
    from gateway.supervisor import stop_with_parent
    from gateway.webhooks.deliverer import Deliverer

    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    stop_with_parent()

    async def work() -> None:
        stopping = asyncio.Event()
        with stop_signals() as signals:
            async with (
                connect_engine(settings.redis_url, settings.data_dir, archive_url=settings.archive_url) as engine,
                HttpPoster(allow_private=settings.webhooks_allow_private) as poster,
            ):
                deliverer = Deliverer(
                    engine.hooks,
                    engine.log,
                    engine.presence,
                    poster,
                    name=process_name(),
                    now_ms=lambda: time.time_ns() // 1_000_000,
                )
                signals.opened(stopping.set)
                await deliverer.run(stopping)

    asyncio.run(work())
