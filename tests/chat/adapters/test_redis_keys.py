"""Keys: one slot for all that a step in a room touches."""

import pytest

from chat.adapters.redis_keys import PARTITIONS, Keys, partition


def test_all_keys_of_a_room_carry_its_partition() -> None:
    keys = Keys("p:")
    for room in ("a", "b", "lobby", "x-1"):
        tag = f"{{p{partition(room):02}}}"
        assert all(tag in key and key.startswith("p:") for key in keys.room(room))
        assert keys.room(room).jobs in keys.jobs
    assert len(set(keys.jobs)) == PARTITIONS
    assert partition("lobby") == 7, "the partition of a room is part of the stored format"


def test_a_prefix_that_would_break_the_hash_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="hash tag"):
        Keys("{x}:")
