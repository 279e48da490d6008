"""Handshakes in a second, at max - 1, max and max + 1: the one too many is told when to come back."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from chat.quota import Quota
from chat.wire import Codec
from gateway.clock import Clock
from tests.support.serving import serving

OFFER = [Subprotocol(Codec.JSON.value)]


async def test_one_handshake_too_many_is_refused_until_its_time_has_come() -> None:
    arrivals = Quota.full(0.001, 2, Clock().now_s())
    async with serving(arrivals=arrivals) as served:
        for number in (1, 2):
            async with connect(served.url, subprotocols=OFFER):
                assert served.gateway.statistics()["connections_opened_total"] == number
        assert served.gateway.statistics()["connections_refused_total"] == 0
        with pytest.raises(InvalidStatus) as refused:
            async with connect(served.url, subprotocols=OFFER):
                pass
        response = refused.value.response
        problem = json.loads(response.body)
        assert (response.status_code, problem["code"], problem["retryable"]) == (503, "unavailable", True)
        assert 900_000 < problem["retry_after_ms"] <= 1_002_000
        assert int(response.headers["Retry-After"]) * 1_000 >= problem["retry_after_ms"]
        assert served.gateway.statistics()["connections_refused_total"] == 1
        arrivals.tokens = 1.0
        async with connect(served.url, subprotocols=OFFER):
            assert served.gateway.statistics()["connections_opened_total"] == 3
