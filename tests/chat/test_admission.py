"""How many writes may be under way: each bound at max - 1, max and max + 1."""

from contextlib import ExitStack

import pytest

from chat.errors import CommandFailed, ErrorCode, Rejected, Unavailable
from chat.service.admission import RETRY_MAX_MS, RETRY_MEMBER_MS, RETRY_MS, Admission


@pytest.mark.parametrize(
    ("bound", "bounds", "failure", "retry_after_ms"),
    [
        ("member", {"of_member_max": 3}, Rejected, RETRY_MEMBER_MS),
        ("room", {"of_room_max": 3}, Unavailable, RETRY_MS),
        ("process", {"of_process_max": 3}, Unavailable, RETRY_MS),
    ],
)
def test_one_more_than_the_bound_is_refused_and_told_when_to_come_back(
    bound: str, bounds: dict[str, int], failure: type[CommandFailed], retry_after_ms: int
) -> None:
    admission = Admission(**bounds)
    keys = [
        ("ann" if bound == "member" else f"member {number}", "tea" if bound == "room" else f"room {number}")
        for number in range(4)
    ]
    with ExitStack() as under_way:
        for admitted in (2, 3):
            for key in keys[admission.statistics()["writes_under_way"] : admitted]:
                under_way.enter_context(admission.of(*key))
            assert admission.statistics()["writes_under_way"] == admitted
            assert admission.statistics()[f"writes_refused_by_{bound}_total"] == 0
        with pytest.raises(failure) as refused:
            admission.of(*keys[3])
        assert refused.value.retry_after_ms == retry_after_ms
        assert refused.value.code is (ErrorCode.TOO_FAST if bound == "member" else ErrorCode.UNAVAILABLE)
        counted = {name: count for name, count in admission.statistics().items() if count}
        assert counted == {"writes_under_way": 3, f"writes_refused_by_{bound}_total": 1}
        if bound != "process":
            under_way.enter_context(admission.of("somebody else", "elsewhere"))
    assert admission.statistics()["writes_under_way"] == 0
    with admission.of(*keys[3]):
        assert admission.statistics()["writes_under_way"] == 1


def test_who_is_refused_is_asked_back_one_behind_the_other() -> None:
    """A crowd of 5,000 refused in one moment and asked back a second later came back in one moment, for a minute."""
    now_ms = 7
    admission = Admission(of_process_max=2, now_ms=lambda: now_ms)

    def told_ms() -> int:
        with pytest.raises(CommandFailed) as refused:
            admission.of("zoe", "tea")
        assert refused.value.retry_after_ms is not None
        return refused.value.retry_after_ms

    with admission.of("ann", "tea"), admission.of("bob", "tea"):
        assert [told_ms() for _ in range(3)] == [RETRY_MS, 1.5 * RETRY_MS, 2 * RETRY_MS]
        now_ms += RETRY_MS
        assert told_ms() == 1.5 * RETRY_MS
        assert max(told_ms() for _ in range(100)) == RETRY_MAX_MS
        now_ms += RETRY_MAX_MS
        assert told_ms() == RETRY_MS, "all have been asked back: who comes now waits no longer than the first"


def test_who_fails_gives_the_place_back() -> None:
    admission = Admission(of_process_max=1)
    with pytest.raises(LookupError), admission.of("ann", "tea"):
        raise LookupError
    with admission.of("ann", "tea"):
        pass
