"""The worker's counters over HTTP."""

import asyncio

import pytest

from translator.__main__ import PortTaken, counters_shown
from translator.metrics import exposition, serve_metrics
from translator.settings import TranslatorSettings


async def asked(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_counters_are_printed_as_they_are() -> None:
    server = await serve_metrics(lambda: {"jobs_done": 3, "jobs_running": 1}, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        answer = await asked(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith("HTTP/1.1 200 OK\r\n")
        assert "# TYPE diqiucun_translator_jobs_done_total counter\ndiqiucun_translator_jobs_done_total 3\n" in answer
        assert "# TYPE diqiucun_translator_jobs_running gauge\ndiqiucun_translator_jobs_running 1\n" in answer
        assert (await asked(port, b"GET /secrets HTTP/1.1\r\n\r\n")).startswith("HTTP/1.1 404 ")
        assert await asked(port, b"nonsense") == ""
        assert await asked(port, b"x" * 100_000) == ""


def test_every_line_is_a_comment_or_a_number() -> None:
    for line in exposition({"b": 2, "a": 1}).splitlines():
        assert line.startswith(("# TYPE ", "# HELP ")) or line.split()[1].isdigit()


async def test_a_port_that_is_taken_is_named_with_the_setting_to_change() -> None:
    """The second translator of a machine ended with a traceback."""
    async with await serve_metrics(dict, "127.0.0.1", 0) as first:
        port = first.sockets[0].getsockname()[1]
        settings = TranslatorSettings(translator_metrics_host="127.0.0.1", translator_metrics_port=port)
        with pytest.raises(PortTaken, match="DIQIUCUN_TRANSLATOR_METRICS_PORT"):
            await counters_shown(dict, settings)
