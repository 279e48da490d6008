"""How many writes may be under way: each bound at max - 1, max and max + 1."""

from contextlib import ExitStack

import pytest

from chat.errors import CommandFailed, ErrorCode, Rejected, Unavailable
from chat.service.admission import RETRY_MEMBER_MS, RETRY_MS, Admission


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


def test_who_fails_gives_the_place_back() -> None:
    admission = Admission(of_process_max=1)
    with pytest.raises(LookupError), admission.of("ann", "tea"):
        raise LookupError
    with admission.of("ann", "tea"):
        pass
