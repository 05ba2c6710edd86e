"""`ccmux prove`: the real program on a real database and real transcripts, with no daemon."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccmux.cli import prove
from ccmux.core.messages import Incoming, MessageState
from ccmux.drivers.clock import WallClock
from ccmux.drivers.sqlite import SqliteStore
from ccmux.drivers.state_dir import make_private
from ccmux.ports import FinishedTurn, HostedSession
from tests.cli.conftest import Project


def keep(project: Project, *texts: str) -> None:
    """Let every text but the last be answered in a turn of its own."""

    async def story() -> None:
        folder = project.data / "ccmux" / "my-app"
        make_private(project.data, folder)
        store = await SqliteStore.open(
            folder / "ccmux.db", session="my-app", clock=WallClock(), on_events=lambda _: None
        )
        await store.host(HostedSession(session_id="s", transcript_path="", spoken=True, offset=0))
        await store.take_in([Incoming(channel="tg", content=text, ts=0.0) for text in texts])
        for id_, text in enumerate(texts[:-1], start=1):
            await store.begin_typing([id_], lead="", body=f"[12:00 tg] {text}")
            await store.move([id_], MessageState.STARTED, prompt_id=f"p{id_}")
            fields = {"turn": [], "outcome": "finished"}
            await store.finish_turn(
                FinishedTurn(session_id="s", prompt_id=f"p{id_}", resume_offset=0, fields=fields)
            )
        await store.close()

    asyncio.run(story())


def write(project: Project, *texts: str) -> None:
    path = Path(project.environment["HOME"]) / ".claude" / "projects" / "-x" / "s.jsonl"
    path.parent.mkdir(parents=True)
    now = datetime.now(tz=UTC).timestamp()
    with path.open("w") as lines:
        for n, text in enumerate(texts):
            at = datetime.fromtimestamp(now + n, tz=UTC).isoformat()
            record = {"type": "user", "timestamp": at, "message": {"content": f"[12:00 tg] {text}"}}
            lines.write(json.dumps(record, separators=(",", ":")) + "\n")


def test_nothing_lost_and_nothing_doubled(project: Project) -> None:
    keep(project, "one", "two", "three")
    write(project, "one", "two")
    done = project.run("prove")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "3 received, 2 answered, 1 waiting, 0 missing, 0 doubled, 0 uncertain (1 transcript read)",
        "  3: not typed yet, or being typed now",
    ]


def test_what_is_lost_and_what_is_doubled_is_named_and_fails(project: Project) -> None:
    keep(project, "one", "two", "three")
    write(project, "one", "one")
    done = project.run("prove")
    assert done.returncode == 1
    assert "  2: MISSING" in done.stdout
    assert "  1: DOUBLED" in done.stdout
    facts = json.loads(project.run("prove", "--json").stdout)
    assert (facts["missing"], facts["doubled"], facts["states"]) == ([2], [1], {"answered": 2, "queued": 1})


def test_deleted_transcripts_are_no_loss(project: Project) -> None:
    keep(project, "one", "two")
    done = project.run("prove", "--since", "1h")
    assert done.returncode == 0
    assert "not provable any more" in done.stdout


def test_since_asks_for_less(project: Project) -> None:
    keep(project, "one", "two")
    for word in ("999", "2999-01-01"):
        assert project.run("prove", "--since", word).stdout.startswith("0 received")
    bad = project.run("prove", "--since", "yesterday")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "a duration (2h)" in bad.stderr


def test_where_no_daemon_ever_ran_it_says_so(project: Project) -> None:
    done = project.run("prove")
    assert (done.returncode, done.stdout) == (1, "")
    assert "start ccmux here once" in done.stderr


@pytest.mark.parametrize(("count", "told"), [(2, "0, 1"), (20, "18, 19"), (23, "19 and 3 more")])
def test_long_lists_are_cut_for_a_person(count: int, told: str) -> None:
    assert prove._some(tuple(range(count))).endswith(told)
