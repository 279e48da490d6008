"""What the pages about capacity and load tests are made from: pictures of curves, and a comparison that can fail."""

from typing import Any

import pytest

from loadtest.agreement import compared, p99_ms
from loadtest.bench.capacity import asked_of, merged, pictures

ROWS: dict[str, dict[str, Any]] = {
    "connect": {"num_requests": 30, "num_failures": 0, "response_times": {"1": 30}},
    "resume": {"num_requests": 2, "num_failures": 0, "response_times": {"2": 2}},
    "post": {"num_requests": 50, "num_failures": 0, "response_times": {"5": 49, "40": 1}},
    "deliver": {"num_requests": 1_500, "num_failures": 0, "response_times": {"7": 1_500}},
}
GREW = {"connections_opened_total": 32.0, "posts_acknowledged_total": 50.0, "deliveries_total": 1_965.0}


def test_locust_and_the_server_agree_or_it_is_told() -> None:
    found = compared(ROWS, GREW)
    assert found["clean"]
    assert found["agreement"]["posts acknowledged"] == {"locust": 50, "server": 50.0}


@pytest.mark.parametrize("name", [*GREW])
def test_each_count_that_differs_is_a_fault(name: str) -> None:
    less = 1_000 if name == "deliveries_total" else 1
    assert not compared(ROWS, {**GREW, name: GREW[name] - less})["clean"]


def test_a_failure_of_a_member_is_a_fault() -> None:
    lost = {"num_requests": 1, "num_failures": 1, "response_times": {"0": 1}}
    found = compared({**ROWS, "lost": lost}, GREW)
    assert (found["clean"], found["failures"]) == (False, {"lost": 1})


def test_members_who_said_or_heard_nothing_agree_with_nobody() -> None:
    """Once an empty table of Locust's agreed with a server that nobody had reached."""
    assert not compared({}, dict.fromkeys(GREW, 0.0))["clean"]
    deaf = {name: row for name, row in ROWS.items() if name != "deliver"}
    assert not compared(deaf, GREW)["clean"]


def test_p99_is_a_value_that_was_measured() -> None:
    assert p99_ms(ROWS["post"]) == 40
    assert p99_ms({"response_times": {"1": 99, "500": 1}}) == 1
    assert p99_ms({"response_times": {}}) is None


def test_the_pictures_have_a_line_for_each_number_of_members() -> None:
    points = [
        {
            "members": members,
            "posts_per_s": rate,
            "deliveries_per_s": members * rate,
            "gateway_processors": 0.1 * rate,
            "p99_ms": 5.0 * rate,
            "gateway_bytes": 10**8 + 6_000 * members,
        }
        for members in (250, 1_000)
        for rate in (1, 2)
    ]
    drawn = pictures({"points": points})
    assert set(drawn) == {"capacity-processor.svg", "capacity-latency.svg", "capacity-memory.svg"}
    assert "1,000 members" in drawn["capacity-processor.svg"]
    assert all(picture.startswith("<svg") and picture.count("<polyline") >= 1 for picture in drawn.values())


def test_a_size_that_is_measured_again_replaces_the_one_before() -> None:
    """The command line did not know --merge, and `main` asked for it: minutes of measuring ended in an AttributeError
    before anything was written."""
    assert (asked_of([]).merge, asked_of(["--merge"]).merge) == (False, True)
    before = [{"members": members, "posts_per_s": 1.0, "run": 1} for members in (250, 1_000)]
    now = [{"members": 250, "posts_per_s": rate, "run": 2} for rate in (3.0, 1.0)]
    kept = [(point["members"], point["posts_per_s"], point["run"]) for point in merged(before, now)]
    assert kept == [(250, 1.0, 2), (250, 3.0, 2), (1_000, 1.0, 1)]
