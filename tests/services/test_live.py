"""Live status on virtual time: what the relay is told when sessions come, work, rest, end and crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from ccmux.core.live.discretion import Discretion
from ccmux.ports import FileChange, FileEvent
from tests import virtual_time
from tests.services.live_world import EPOCH, World

SOON_S = 2.0


def story(tell: Callable[[World], Awaitable[None]], **more: Any) -> None:
    """Tell a story in a world in which a publisher runs."""

    async def told() -> None:
        world = World()
        async with world.publishing(**more):
            await asyncio.sleep(SOON_S)
            await tell(world)

    virtual_time.run(told())


def test_a_session_is_told_of_at_once_and_every_thirty_seconds() -> None:
    async def tell(world: World) -> None:
        began_s = asyncio.get_running_loop().time()
        world.session("a", pid=1)
        await asyncio.sleep(100)
        times = [at for at, _, _ in world.posts]
        assert times[0] - began_s < 1
        assert [round(b - a) for a, b in pairwise(times)] == [30, 30, 30]
        assert world.told == [["a"]] * 4

    story(tell)


def test_a_change_of_state_is_told_at_once_and_once() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        before = len(world.posts)
        world.asks("a", "hello")
        world.answers("a", "m1", stop_reason=None)
        world.answers("a", "m2")
        await asyncio.sleep(SOON_S)
        assert len(world.posts) == before + 1
        told = world.newest("a")
        assert (told["last_prompt"], told["total_tokens"], told["user_prompts"]) == ("hello", 20, 1)

    story(tell)


def test_what_only_grows_has_time_until_the_next_beat() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        world.answers("a", "m1")
        await asyncio.sleep(SOON_S)
        before = len(world.posts)
        world.answers("a", "m2")
        await asyncio.sleep(5)
        assert len(world.posts) == before
        await asyncio.sleep(30)
        assert world.newest("a")["total_tokens"] == 20

    story(tell)


def test_one_of_two_ends_and_then_the_other() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        world.session("b", pid=2)
        await asyncio.sleep(SOON_S)
        world.end("a")
        await asyncio.sleep(SOON_S)
        assert world.told[-1] == ["b"]
        world.end("b")
        await asyncio.sleep(SOON_S)
        assert world.told[-1] == "stop"
        assert world.posts[-1][2] == {"source": "here"}
        posts = len(world.posts)
        await asyncio.sleep(300)
        assert len(world.posts) == posts, "a stop is said once"

    story(tell)


def test_clear_is_no_end() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        world.end("a", cleared=True)
        await asyncio.sleep(SOON_S)
        world.session("b", pid=1)
        await asyncio.sleep(SOON_S)
        assert "stop" not in world.told
        assert world.told[-1] == ["b"]
        world.end("b", cleared=True)
        await asyncio.sleep(10)
        assert world.told[-1] == "stop", "nothing followed"

    story(tell)


@pytest.mark.parametrize("zombie", [True, False])
def test_a_crashed_session_is_told_no_more_and_forgotten(zombie: bool) -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        world.session("b", pid=2)
        await asyncio.sleep(SOON_S)
        if zombie:
            world.zombies.add(1)
        else:
            world.dies(1)
        await asyncio.sleep(31)
        assert world.told[-1] == ["b"]
        assert list(world.kept) == ["b"]

    story(tell)


def test_another_process_by_the_same_number_is_not_the_session() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        world.dies(1)
        world.born[1] = world.now()
        await asyncio.sleep(31)
        assert world.told[-1] == "stop"
        # The number was taken before the publisher even read the registration.
        told = world.session("b", pid=7)
        world.born[7] = told.at + 60
        await asyncio.sleep(31)
        assert world.kept == {}

    story(tell)


def test_a_process_is_in_one_session_at_a_time() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        world.session("other", pid=2)
        await asyncio.sleep(SOON_S)
        world.session("b", pid=1)
        await asyncio.sleep(SOON_S)
        assert world.told[-1] == ["other", "b"]

    story(tell)


def test_idle_for_fifteen_minutes_it_is_inactive_though_registered_and_comes_back() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        world.answers("a", "m1")
        await asyncio.sleep(14 * 60)
        assert world.told[-1] == ["a"]
        await asyncio.sleep(2 * 60)
        assert world.told[-1] == "stop"
        world.asks("a", "still there?")
        await asyncio.sleep(SOON_S)
        assert world.told[-1] == ["a"]

    story(tell)


def test_a_session_whose_process_nobody_knows_lives_by_its_transcript_and_is_forgotten_after_a_day() -> None:
    async def tell(world: World) -> None:
        world.session("a")
        world.answers("a", "m1")
        await asyncio.sleep(16 * 60)
        assert world.told[-1] == "stop"
        assert list(world.kept) == ["a"]
        await asyncio.sleep(24 * 3_600)
        assert world.kept == {}

    story(tell)


def test_a_transcript_without_a_conversation_and_a_process_is_no_session() -> None:
    async def tell(world: World) -> None:
        world.writes("a", {"type": "file-history-snapshot"})
        world.session("a")
        await asyncio.sleep(SOON_S)
        assert world.told == []
        world.asks("a", "hello")
        await asyncio.sleep(SOON_S)
        assert world.told == [["a"]]

    story(tell)


def test_only_listed_projects_are_shown() -> None:
    async def told() -> None:
        world = World()
        listed = Discretion(redact=False, projects=("open",), home="/home/jo", secret=b"s")
        world.held = True
        async with asyncio.TaskGroup() as group:
            task = group.create_task(world.publisher(listed).run(), name="live")
            world.session("a", pid=1, cwd="/home/jo/shut")
            world.session("b", pid=2, cwd="/home/jo/open")
            await asyncio.sleep(SOON_S)
            assert world.told == [["b"]]
            task.cancel()

    virtual_time.run(told())


def test_what_was_read_is_not_read_again_by_the_next_publisher() -> None:
    async def told() -> None:
        world = World()
        async with world.publishing():
            world.session("a", pid=1, sensitive=True)
            world.asks("a", "hello")
            world.answers("a", "m1")
            await asyncio.sleep(60)
        world.files[world.path("a")][:2] = [b"gone", b"gone"]
        world.answers("a", "m1")
        world.answers("a", "m2")
        async with world.publishing():
            await asyncio.sleep(SOON_S)
            told = world.newest("a")
            assert (told["total_tokens"], told["user_prompts"], told["sensitive"]) == (20, 1, True)

    virtual_time.run(told())


def test_a_transcript_that_was_replaced_is_counted_anew() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        world.answers("a", "m1", 100)
        await asyncio.sleep(60)
        world.replace_file("a")
        world.answers("a", "m1", 7)
        await asyncio.sleep(60)
        assert world.newest("a")["total_tokens"] == 7
        world.replace_file("a")
        world.answers("a", "m2", 8)
        await asyncio.sleep(60)
        assert world.newest("a")["total_tokens"] == 8
        assert len(world.kept["a"].claims) == 1

    story(tell)


def test_a_session_that_goes_on_in_another_file_is_counted_from_there() -> None:
    async def tell(world: World) -> None:
        told = world.session("a", pid=1)
        world.answers("a", "m1", 100)
        await asyncio.sleep(SOON_S)
        moved = f"{world.path('a')}.moved"
        world.write(moved, {"type": "assistant", "message": {"id": "m2", "usage": {"output_tokens": 5}}})
        world.hook(type(told)(session_id="a", transcript_path=moved, pid=1, at=world.now()))
        await asyncio.sleep(SOON_S)
        assert world.newest("a")["total_tokens"] == 5

    story(tell)


def test_subagents_tokens_count_for_their_session() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        world.asks("a", "hello")
        agent = "/nowhere/claude/projects/p/a/subagents/agent-1.jsonl"
        world.subagents[world.path("a")] = [agent]
        message = {"id": "x", "usage": {"output_tokens": 5}}
        await asyncio.sleep(10)
        world.write(agent, {"type": "assistant", "isSidechain": True, "message": message})
        await asyncio.sleep(60)
        told = world.newest("a")
        assert (told["total_tokens"], told["active_time_seconds"]) == (5, 0)

    story(tell)


def test_what_stirs_without_end_is_looked_at_and_told_now_and_then() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        posts, looks = len(world.posts), world.looks
        for number in range(100):
            world.asks("a", f"prompt {number}")
            await asyncio.sleep(0.1)
        assert world.looks - looks <= 40
        assert 5 <= len(world.posts) - posts <= 11

    story(tell)


def test_claudes_own_registry_says_what_it_does() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        for status, state in (("busy", "busy"), ("waiting", "waiting"), ("shell", "idle"), ("idle", "idle")):
            world.registry[1] = {"pid": 1, "sessionId": "a", "status": status}
            world.stir("/nowhere/claude/sessions/1.json")
            await asyncio.sleep(SOON_S)
            assert world.newest("a")["state"] == state
        world.asks("a", "hello")
        world.registry[1] = {"pid": 1, "sessionId": "another", "status": "idle"}
        await asyncio.sleep(60)
        assert world.newest("a")["state"] == "busy", "the registry speaks of another session"

    story(tell)


def test_an_unreachable_relay_is_asked_less_and_less_and_hears_only_what_is_newest() -> None:
    async def tell(world: World) -> None:
        world.failing = True
        world.session("a", pid=1)
        await asyncio.sleep(1)
        for number in range(20):
            world.asks("a", f"prompt {number}")
            await asyncio.sleep(30)
        world.failing = False
        await asyncio.sleep(61)
        assert world.posts[0][2]["sessions"][0]["last_prompt"] == "prompt 19"

    with capture_logs() as logs:
        story(tell)
    told = [entry for entry in logs if entry["event"].startswith("relay")]
    assert [entry["event"] for entry in told] == ["relay not told", "relay told again"]
    assert 5 < told[1]["failures"] < 20


def test_a_relay_that_hangs_holds_nothing_up() -> None:
    async def tell(world: World) -> None:
        world.hanging.clear()
        world.session("a", pid=1)
        await asyncio.sleep(100)
        world.session("b", pid=2)
        await asyncio.sleep(SOON_S)
        assert world.spooled == {}
        assert set(world.kept) == {"a", "b"}
        world.hanging.set()
        await asyncio.sleep(5)
        assert world.told == [["a"], ["a", "b"]]

    story(tell)


def test_a_stop_that_was_not_heard_is_said_again() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        world.failing = True
        world.end("a")
        await asyncio.sleep(20)
        world.failing = False
        await asyncio.sleep(61)
        assert world.told == [["a"], "stop"]

    story(tell)


def test_a_full_disk_ends_nothing() -> None:
    async def told() -> None:
        world = World()
        world.store_works = False
        async with world.publishing():
            world.session("a", pid=1)
            world.answers("a", "m1")
            await asyncio.sleep(100)
            world.session("b", pid=2)
            await asyncio.sleep(SOON_S)
            assert world.told[-1] == ["a", "b"]
            world.end("b")
            world.store_works = True
            await asyncio.sleep(60)
            assert world.told[-1] == ["a"]
            assert len(world.kept["a"].claims) == 1

    virtual_time.run(told())


def test_what_nobody_understands_is_set_aside() -> None:
    async def tell(world: World) -> None:
        world.put(b"register\n")
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        assert world.set_asides == ["0000.json"]
        assert world.told == [["a"]]

    story(tell)


def test_it_ends_half_an_hour_after_the_last_session() -> None:
    async def told() -> None:
        world = World()
        async with world.publishing(idle_s=1_800) as task:
            world.session("a", pid=1)
            await asyncio.sleep(40 * 60)
            assert not task.done(), "an idle session is one"
            world.end("a")
            await asyncio.sleep(29 * 60)
            assert not task.done()
            await asyncio.sleep(2 * 60)
            assert task.done()

    virtual_time.run(told())


def test_who_is_the_publisher_no_more_publishes_no_more() -> None:
    async def told() -> None:
        world = World()
        async with world.publishing() as task:
            world.session("a", pid=1)
            await asyncio.sleep(SOON_S)
            world.held = False
            await asyncio.sleep(31)
            assert task.done()
            assert world.watched == {}

    virtual_time.run(told())


def test_a_folder_that_went_away_is_watched_again() -> None:
    async def tell(world: World) -> None:
        world.session("a", pid=1)
        await asyncio.sleep(SOON_S)
        [(folder, callback)] = world.watched.items()
        callback(FileEvent("unrelated", FileChange.WRITTEN))
        callback(FileEvent("", FileChange.SELF_GONE))
        assert world.watched == {}
        await asyncio.sleep(SOON_S)
        assert list(world.watched) == [folder]
        world.end("a")
        await asyncio.sleep(SOON_S)
        assert world.watched == {}

    story(tell)


def test_the_clock_of_this_world_is_its_loops() -> None:
    async def told() -> None:
        assert World().now() == EPOCH

    virtual_time.run(told())
