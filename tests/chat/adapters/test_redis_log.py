"""The log in an engine that forgot its script, a key or a whole room, or holds something else under its name."""

import pytest

from chat.adapters.connect import ConnectedEngine
from chat.errors import Unavailable
from chat.limits import ONCE_KEY_LIFE_S
from tests.chat.adapters.room import ANN, CREATED, posted


@pytest.mark.engine
async def test_an_engine_that_forgot_the_script_is_taught_again(engine: ConnectedEngine) -> None:
    await engine.redis.call("SCRIPT", "FLUSH")
    assert (await engine.log.append("r", posted("x"), once="k")).position.seq == 2
    assert (await engine.log.append("r", posted("y"), once="l")).position.seq == 3


@pytest.mark.engine
async def test_a_once_key_expires_after_its_life(engine: ConnectedEngine) -> None:
    await engine.log.append("r", posted("x"), once="k")
    key = engine.redis.keys.room("r").once + "k"
    assert ONCE_KEY_LIFE_S - 60 < await engine.redis.call("TTL", key) <= ONCE_KEY_LIFE_S
    await engine.redis.call("DEL", key)
    assert not (await engine.log.append("r", posted("x"), once="k")).duplicate


@pytest.mark.engine
async def test_a_once_key_of_an_earlier_life_of_the_room_means_nothing(engine: ConnectedEngine) -> None:
    first = await engine.log.append("r", posted("x"), once="k")
    await engine.redis.call("DEL", engine.redis.keys.room("r").meta)
    created = await engine.log.create("r", "T", CREATED, ANN, once="create")
    assert created.position.epoch != first.position.epoch
    assert await engine.log.recognise("r", "k") is None
    again = await engine.log.append("r", posted("x"), once="k")
    assert (again.position.epoch, again.position.seq, again.duplicate) == (created.position.epoch, 2, False)


@pytest.mark.engine
async def test_creating_again_lists_a_room_whose_creator_died_before_listing_it(engine: ConnectedEngine) -> None:
    await engine.redis.call("DEL", engine.redis.keys.rooms)
    assert await engine.log.rooms() == []
    assert (await engine.log.create("r", "T", CREATED, ANN, once="create")).duplicate
    assert await engine.log.rooms() == ["r"]


@pytest.mark.engine
async def test_an_error_of_the_engine_is_unavailable_and_nothing_else(engine: ConnectedEngine) -> None:
    await engine.redis.call("SET", engine.redis.keys.room("wrong").meta, "a string")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await engine.log.state("wrong")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await engine.log.append("wrong", posted("x"), once="k")
