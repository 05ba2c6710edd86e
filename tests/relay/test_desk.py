"""What viewers see while sources come, report, stop and die: hours of it, on virtual time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import suppress

from structlog.testing import capture_logs

from ccmux.core.laggards import PATIENCE_S
from ccmux.core.live_board import EXPIRY_S, SOURCES, Heartbeat, Stop
from ccmux.relay.desk import LOOK_S, PAUSE_S
from tests import virtual_time
from tests.relay.fakes import Inside, ids, shown


def story(test: Callable[[Inside], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on virtual time, the desk at work."""

    @functools.wraps(test)
    def run() -> None:
        async def main() -> None:
            inside = Inside()
            async with asyncio.TaskGroup() as group:
                desk = group.create_task(inside.desk.run())
                try:
                    await test(inside)
                finally:
                    desk.cancel()

        virtual_time.run(main())

    del run.__wrapped__  # pytest would look for a fixture `inside`
    return run


async def passing(seconds: float) -> None:
    await asyncio.sleep(seconds)


@story
async def test_who_comes_sees_at_once_what_there_is(inside: Inside) -> None:
    assert inside.viewer().saw == [{"active": False, "sessions": None}]
    inside.beat("a")
    await passing(1)
    assert [ids(board) for board in inside.viewer().saw] == [shown("a")]


@story
async def test_every_heartbeat_is_told_though_nothing_changed(inside: Inside) -> None:
    """A page that hears nothing for 90 s takes Claude for gone."""
    viewer = inside.viewer()
    for _ in range(3):
        inside.beat("a")
        await passing(30)
    assert [ids(board) for board in viewer.saw] == [shown(), shown("a"), shown("a"), shown("a")]


@story
async def test_one_of_two_sessions_ends_and_the_other_stays(inside: Inside) -> None:
    viewer = inside.viewer()
    inside.beat("a", "b")
    await passing(30)
    inside.beat("b")
    await passing(30)
    assert [ids(board) for board in viewer.saw] == [shown(), shown("a", "b"), shown("b")]


@story
async def test_the_last_session_ends(inside: Inside) -> None:
    viewer = inside.viewer()
    inside.beat("a")
    await passing(5)
    inside.desk.stop("192.0.2.9", Stop("laptop"))
    await passing(1)
    assert ids(viewer.saw[-1]) == shown()


@story
async def test_a_laptop_dies_and_is_gone_within_seventy_seconds(inside: Inside) -> None:
    viewer = inside.viewer()
    await passing(3)
    inside.beat("a")
    await passing(EXPIRY_S - 1)
    assert ids(viewer.saw[-1]) == shown("a")
    await passing(1 + LOOK_S)
    assert ids(viewer.saw[-1]) == shown()
    told = len(viewer.saw)
    await passing(3_600)
    assert len(viewer.saw) == told


@story
async def test_a_publisher_that_dies_and_comes_back_in_time_is_never_gone(inside: Inside) -> None:
    viewer = inside.viewer()
    inside.beat("a")
    await passing(EXPIRY_S - 1)
    inside.beat("a")
    await passing(EXPIRY_S - 1)
    assert [ids(board) for board in viewer.saw] == [shown(), shown("a"), shown("a")]


@story
async def test_two_laptops_do_not_overwrite_each_other(inside: Inside) -> None:
    viewer = inside.viewer()
    inside.beat("a", source="one")
    await passing(1)
    inside.beat("b", source="two")
    await passing(1)
    assert ids(viewer.saw[-1]) == shown("a", "b")
    inside.desk.stop("192.0.2.9", Stop("one"))
    await passing(1)
    assert ids(viewer.saw[-1]) == shown("b")
    await passing(EXPIRY_S + LOOK_S)
    assert ids(viewer.saw[-1]) == shown()


@story
async def test_sources_that_name_none_are_told_apart_by_their_address(inside: Inside) -> None:
    viewer = inside.viewer()
    inside.desk.heartbeat("192.0.2.1", Heartbeat((), None))
    inside.desk.heartbeat("192.0.2.2", Heartbeat((), None))
    assert inside.desk.numbers()["sources"] == 2
    inside.beat("a", source="192.0.2.1")  # a name is never taken for an address
    assert inside.desk.numbers()["sources"] == 3
    inside.desk.stop("192.0.2.1", Stop(None))
    assert inside.desk.numbers()["sources"] == 2
    await passing(1)
    assert ids(viewer.saw[-1]) == shown("a")


@story
async def test_a_sensitive_session_stands_beside_others_as_it_was_told(inside: Inside) -> None:
    viewer = inside.viewer()
    inside.beat("a", last_prompt="kqz ofw", sensitive=True, source="one")
    inside.beat("b", last_prompt="hello", source="two")
    await passing(1)
    told = [(s["session_id"], s["last_prompt"], s["sensitive"]) for s in viewer.saw[-1]["sessions"]]
    assert told == [("a", "kqz ofw", True), ("b", "hello", False)]


@story
async def test_a_stop_of_nobody_is_told_to_nobody(inside: Inside) -> None:
    viewer = inside.viewer()
    inside.desk.stop("192.0.2.9", Stop("laptop"))
    await passing(100)
    assert len(viewer.saw) == 1


@story
async def test_too_many_sources_are_refused_until_one_is_gone(inside: Inside) -> None:
    for number in range(SOURCES):
        inside.beat(f"s{number}", source=f"s{number}")
    assert not inside.desk.heartbeat("192.0.2.9", Heartbeat((), "one more"))
    inside.desk.stop("192.0.2.9", Stop("s0"))
    assert inside.desk.heartbeat("192.0.2.9", Heartbeat((), "one more"))


@story
async def test_however_fast_sources_report_viewers_are_told_the_first_at_once_and_the_newest_soon(
    inside: Inside,
) -> None:
    viewer = inside.viewer()
    await passing(1)
    inside.beat("a", total_tokens=0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert viewer.saw[-1]["sessions"][0]["total_tokens"] == 0
    for number in range(1, 101):
        inside.beat("a", total_tokens=number)
        await passing(0.01)
    await passing(PAUSE_S)
    assert viewer.saw[-1]["sessions"][0]["total_tokens"] == 100
    assert len(viewer.saw) <= 3 + 1 / PAUSE_S


@story
async def test_a_slow_viewer_gets_the_newest_and_nothing_between(inside: Inside) -> None:
    slow, quick = inside.viewer(), inside.viewer()
    slow.reads = False
    for number in range(5):
        inside.beat("a", total_tokens=number)
        await passing(1)
    assert [board["sessions"][0]["total_tokens"] for board in slow.saw[1:]] == [0]
    assert [board["sessions"][0]["total_tokens"] for board in quick.saw[1:]] == [0, 1, 2, 3, 4]
    assert inside.desk.numbers()["viewers_behind"] == 1
    slow.catches_up()
    assert [board["sessions"][0]["total_tokens"] for board in slow.saw[1:]] == [0, 4]
    slow.catches_up()
    assert len(slow.saw) == 3
    assert inside.desk.numbers()["viewers_behind"] == 0


@story
async def test_a_viewer_that_takes_nothing_for_long_is_cut_off(inside: Inside) -> None:
    never, quick = inside.viewer(reads=False), inside.viewer()
    await passing(PAUSE_S)
    while not never.is_cut_off:
        inside.beat("a")
        assert asyncio.get_running_loop().time() <= PATIENCE_S + LOOK_S
        await passing(10)
    assert len(never.saw) == 1
    assert not quick.is_cut_off
    assert len(inside.viewers) == 1
    assert inside.counts.done["viewers_cut_total"] == 1


@story
async def test_nothing_grows_with_time(inside: Inside) -> None:
    for number in range(2_000):
        viewer = inside.viewer(address=f"192.0.{number // 250}.{number % 250}")
        inside.beat(f"s{number}", source=f"s{number}")
        await passing(20)
        with suppress(KeyError):
            viewer.abort()
    assert inside.desk.numbers()["sources"] <= 4
    await passing(EXPIRY_S + LOOK_S)
    assert inside.desk.numbers() == dict.fromkeys(inside.desk.numbers(), 0)
    assert len(inside.door._visits) == len(inside.door._reports) == 0


@story
async def test_the_log_tells_of_sources_and_of_no_prompt(inside: Inside) -> None:
    with capture_logs() as log:
        inside.beat("a", last_prompt="geheim", project="geheim")
        inside.desk.stop("192.0.2.9", Stop("laptop"))
        inside.beat("b", last_prompt="geheim", source=None)
        await passing(EXPIRY_S + LOOK_S)
    assert [(line["event"], line["source"]) for line in log] == [
        ("source began", "source laptop"),
        ("source stopped", "source laptop"),
        ("source began", "address 192.0.2.9"),
        ("source fell silent", "address 192.0.2.9"),
    ]
    assert "geheim" not in str(log)
