"""The control service over a real socket, with a store and a dispatcher that keep what they were told."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from structlog.testing import capture_logs

from ccmux.core.control import OPS, parse_request, refusal
from ccmux.core.control import answer as yes
from ccmux.core.errors import PaneLost, RequestRefused, StoreFailed
from ccmux.core.letters import DeadLetter
from ccmux.core.messages import Incoming, Message, MessageState, Rejected
from ccmux.core.observation import QueueGrew, Sighting
from ccmux.core.runs import Run
from ccmux.drivers.line_server import LineServer
from ccmux.ports import FileChange, FileEvent, HostedSession, Sightings, Standing, Store, Taken
from ccmux.services.control import Control


class Clock:
    at = 1_000.0

    def now(self) -> float:
        return self.at

    def hhmm(self, ts: float) -> str:
        return "00:00"

    def local(self, ts: float) -> datetime:
        return datetime.fromtimestamp(ts, tz=UTC)


class MemoryStore:
    """What the control service uses of a store."""

    def __init__(self) -> None:
        self.kept: list[Message] = []
        self.broken = False
        self.session: HostedSession | None = None
        self.letters: dict[int, DeadLetter] = {}
        self.revived: list[tuple[int, Incoming | None]] = []
        self.key_of = 0
        self.skipping = False
        self.turn_at: float | None = None
        self.raced = False

    async def take_in(self, batch: Sequence[Incoming | Rejected]) -> list[Taken]:
        if self.broken:
            raise StoreFailed("/db", "disk full", "free some space")
        taken = []
        for one in batch:
            assert isinstance(one, Incoming)
            if self.skipping and one.unless_waiting:
                taken.append(Taken(1, skipped=True))
                continue
            known = [m for m in self.kept if one.key is not None and m.key == one.key]
            if not known:
                known = [
                    Message(
                        id=len(self.kept) + 1,
                        channel=one.channel,
                        content=one.content,
                        ts=one.ts,
                        key=one.key,
                        meta=one.meta,
                        attachments=one.attachments,
                        state=MessageState.QUEUED,
                        taken_at=1_000.0,
                    )
                ]
                self.kept += known
                taken.append(Taken(known[0].id))
            else:
                taken.append(Taken(known[0].id, duplicate=True))
        return taken

    async def messages(self, *, states: Collection[MessageState] = (), limit: int = 100) -> list[Message]:
        return [m for m in reversed(self.kept) if not states or m.state in states][:limit]

    async def message(self, id_or_key: str) -> list[Message]:
        return [m for m in self.kept if id_or_key in {str(m.id), m.key}]

    async def in_flight(self) -> list[Message]:
        return [m for m in self.kept if m.state is MessageState.STARTED]

    async def waiting(self, limit: int) -> list[Message]:
        return [m for m in self.kept if m.state is MessageState.QUEUED][:limit]

    async def standing(self) -> Standing:
        return Standing(
            hosted=self.session,
            queue={"queued": len(self.kept)},
            out={"mail": 2},
            last_seq=41,
            last_turn_at=self.turn_at,
        )

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        return list(reversed(self.letters.values()))[:limit]

    async def dead_letter(self, id_: int) -> DeadLetter | None:
        return self.letters.get(id_)

    async def revive(self, id_: int, parsed: Incoming | None) -> Taken | None:
        self.revived.append((id_, parsed))
        if self.raced:
            return None
        return Taken(self.key_of, duplicate=True) if self.key_of else Taken(id_)

    async def drop(self, id_: int) -> bool:
        return self.letters.pop(id_, None) is not None


class Dispatcher:
    """A dispatcher that does what it is told."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {"state": "idle", "hold": None, "detail": "", "paused": False, "pid": 9}
        self.refuses: Exception | None = None
        self.interrupted = 0

    def status(self) -> Mapping[str, Any]:
        return self.known

    async def pause(self) -> None:
        self.known |= {"paused": True, "hold": "paused"}

    async def resume(self) -> None:
        self.known |= {"paused": False, "hold": None}

    async def interrupt(self) -> None:
        if self.refuses:
            raise self.refuses
        self.interrupted += 1


class Feed:
    def __init__(self) -> None:
        self.told: list[Sighting] = []

    def tell(self, sighting: Sighting) -> None:
        self.told.append(sighting)


class Files:
    """File events that a test fires itself."""

    def __init__(self) -> None:
        self.callback: Callable[[FileEvent], None] | None = None

    @contextmanager
    def watch(self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]) -> Iterator[None]:
        assert wanted == FileChange.VANISHED
        self.callback = callback
        yield
        self.callback = None

    def vanished(self, name: str) -> None:
        assert self.callback
        self.callback(FileEvent(name, FileChange.VANISHED))


class House:
    """The service, its fakes and a real server."""

    def __init__(self, folder: Path) -> None:
        self.store, self.dispatcher, self.feed, self.files = MemoryStore(), Dispatcher(), Feed(), Files()
        self.path = folder / "control.sock"
        self.clock = Clock()
        self.server = LineServer(self.path, line_limit=2**21, refusal=refusal)
        self.more_status: dict[str, Any] = {"restarts": 3, "tmux": {"session": "ccmux-p"}}
        self.taken_before = asyncio.Event()
        self.taken_before.set()
        self.control = Control(
            socket_path=self.path,
            listener=self.server,
            files=self.files,
            store=cast("Store", self.store),
            sightings=cast("Sightings", self.feed),
            dispatching=self.dispatcher,
            clock=self.clock,
            project="p",
            version="1.2",
            max_line_bytes=10,
            more_status=lambda: self.more_status,
            runs=self.runs,
            sent_before=self.sent_before,
        )

    async def sent_before(self) -> None:
        await self.taken_before.wait()

    async def runs(self) -> list[Run]:
        return [Run(started_at=1.0, alive_at=2.0), Run(started_at=900.0, alive_at=960.0)]

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        line = await self.control.answer(msgspec.json.encode({"op": op, **fields}))
        assert line.endswith(b"\n")
        found = msgspec.json.decode(line)
        assert isinstance(found, dict)
        return found

    async def send(self, content: Any = "hello", **fields: Any) -> dict[str, Any]:
        return await self.ask("send", message={"content": content, **fields})


Story = Callable[[House], Coroutine[Any, Any, None]]


@pytest.fixture
def tell(tmp_path: Path) -> Callable[[Story], House]:
    def run(story: Story) -> House:
        house = House(tmp_path)
        asyncio.run(story(house))
        return house

    return run


Tell = Callable[[Story], House]


def test_a_message_is_taken_numbered_and_announced(tell: Tell) -> None:
    async def story(house: House) -> None:
        assert await house.send(id="k", channel="mail.x", ts=5) == {
            "ok": True,
            "id": 1,
            "key": "k",
            "duplicate": False,
        }
        assert await house.send() == {"ok": True, "id": 2, "key": None, "duplicate": False}

    house = tell(story)
    assert [(m.channel, m.ts) for m in house.store.kept] == [("mail.x", 5.0), ("default", 1_000.0)]
    assert house.feed.told == [QueueGrew(), QueueGrew()]


def test_the_same_key_again_is_said_and_not_announced(tell: Tell) -> None:
    async def story(house: House) -> None:
        first = await house.send(id="k")
        assert await house.send(id="k") == {**first, "duplicate": True}

    assert tell(story).feed.told == [QueueGrew()]


def test_what_is_skipped_is_answered_with_what_waits_and_why_and_logged_without_its_text(tell: Tell) -> None:
    async def story(house: House) -> None:
        assert (await house.send("secret", id="first", unless_waiting="morning"))["id"] == 1
        await house.send(id="1")  # a key that looks like the number of what waits
        house.store.skipping = True
        house.dispatcher.known |= {"hold": "Claude is generating"}
        assert await house.send("secret", id="k", unless_waiting="morning") == {
            "ok": True,
            "id": None,
            "key": "k",
            "duplicate": False,
            "skipped": True,
            "waits": 1,
            "reason": "Claude is generating",
        }

    with capture_logs() as logs:
        house = tell(story)
    assert house.feed.told == [QueueGrew(), QueueGrew()]
    assert logs == [
        {
            "event": "messages skipped",
            "log_level": "info",
            "channel": "default",
            "count": 1,
            "unless_waiting": "morning",
            "message_id": 1,
        }
    ]


def test_what_was_sent_before_the_start_goes_first(tell: Tell) -> None:
    async def story(house: House) -> None:
        house.taken_before.clear()
        async with asyncio.TaskGroup() as group:
            sent = group.create_task(house.send())
            await asyncio.sleep(0.05)
            assert house.store.kept == []
            house.taken_before.set()
        assert sent.result()["ok"]

    tell(story)


def test_a_message_that_cannot_be_is_refused_with_the_reason_and_not_kept(tell: Tell) -> None:
    async def story(house: House) -> None:
        for wrong in (
            {"content": None},
            {"content": ""},
            {"content": "x", "id": ""},
            {"content": "x", "ts": "y"},
        ):
            refused = await house.ask("send", message=wrong)
            assert (refused["ok"], refused["error"][:11]) == (False, "not taken: ")
        for channel in ("a b", "", 7, None, "-x"):
            refused = await house.send(channel=channel)
            assert "channel must be" in refused["error"]

    assert tell(story).store.kept == []


def test_a_store_that_fails_is_said_not_thrown(tell: Tell) -> None:
    async def story(house: House) -> None:
        house.store.broken = True
        assert (await house.send())["error"] == "database /db: disk full; free some space"
        house.store.broken = False
        assert (await house.send())["ok"]

    tell(story)


def test_garbage_and_other_projects_are_refused(tell: Tell) -> None:
    async def story(house: House) -> None:
        assert msgspec.json.decode(await house.control.answer(b"hello\n"))["ok"] is False
        refused = await house.ask("pause", project="q")
        assert refused == {
            "ok": False,
            "error": "the daemon there is of project 'p'",
            "code": "other project",
        }
        assert (await house.ask("status", project="p"))["ok"]

    assert tell(story).dispatcher.known["paused"] is False


def test_status_gathers_what_every_part_of_the_house_knows(tell: Tell) -> None:
    async def story(house: House) -> None:
        house.clock.at += 12.5
        status = (await house.ask("status"))["status"]
        assert status == {
            "state": "idle",
            "hold": "",
            "way_out": "",
            "detail": "",
            "paused": False,
            "pid": 9,
            "session": "p",
            "session_id": None,
            "queue": {"queued": 0},
            "out": {"mail": 2},
            "restarts": 3,
            "tmux": {"session": "ccmux-p"},
            "last_seq": 41,
            "last_turn_at": None,
            "version": "1.2",
            "started_at": 1_000.0,
            "uptime_s": 12.5,
        }
        house.store.session = HostedSession(session_id="s", transcript_path="/t", spoken=True, offset=0)
        house.store.turn_at = 999.5
        await house.ask("pause")
        status = (await house.ask("status"))["status"]
        assert (status["session_id"], status["hold"], status["way_out"]) == ("s", "paused", "`ccmux resume`")
        assert status["last_turn_at"] == 999.5

    tell(story)


def test_messages_are_listed_newest_first_by_state_and_shown_whole(tell: Tell) -> None:
    async def story(house: House) -> None:
        for number in range(3):
            await house.send("x" * 3_000, id=f"k{number}")
        listed = (await house.ask("messages", limit=2))["messages"]
        assert [(m["id"], len(m["content"]), m["chars"]) for m in listed] == [
            (3, 2_000, 3_000),
            (2, 2_000, 3_000),
        ]
        assert (await house.ask("messages", states=["dead"]))["messages"] == []
        (shown,) = (await house.ask("show", id="k1"))["messages"]
        assert (shown["id"], len(shown["content"])) == (2, 3_000)
        assert (await house.ask("show", id=9))["messages"] == []

    tell(story)


def test_why_tells_of_one_message_or_of_the_head_of_the_queue(tell: Tell) -> None:
    async def story(house: House) -> None:
        assert (await house.ask("why"))["holds"] == []
        await house.send(id="a")
        await house.send(id="b")
        house.clock.at += 7
        (head,) = (await house.ask("why"))["holds"]
        assert (head["id"], head["reason"], head["since_s"]) == (1, "next to be typed", 7.0)
        house.dispatcher.known |= {"hold": "dialog", "detail": "folder trust"}
        (second,) = (await house.ask("why", id="b"))["holds"]
        assert (second["id"], second["reason"]) == (2, "dialog: folder trust")
        assert (await house.ask("why", id=2))["holds"] == [second]
        refused = await house.ask("why", id="c")
        assert refused["error"] == "there is no message 'c'; `ccmux messages` lists them"

    tell(story)


def test_a_claude_that_ends_again_and_again_is_not_said_to_come_back_by_itself(tell: Tell) -> None:
    async def story(house: House) -> None:
        await house.send()
        house.dispatcher.known |= {"state": "down", "hold": "not running", "detail": "it ended with 1"}
        for early_ends, word in ((2, "by itself"), (3, "ends soon after each start")):
            house.more_status["early_ends"] = early_ends
            assert word in (await house.ask("status"))["status"]["way_out"]
            (head,) = (await house.ask("why"))["holds"]
            assert word in head["way_out"]

    tell(story)


def test_pause_resume_and_interrupt_reach_the_dispatcher(tell: Tell) -> None:
    async def story(house: House) -> None:
        assert await house.ask("pause") == {"ok": True, "paused": True}
        assert house.dispatcher.known["paused"]
        assert await house.ask("resume") == {"ok": True, "paused": False}
        assert await house.ask("interrupt") == {"ok": True}
        house.dispatcher.refuses = RequestRefused("nothing to interrupt")
        assert await house.ask("interrupt") == {"ok": False, "error": "nothing to interrupt"}
        house.dispatcher.refuses = PaneLost("gone", during="press")
        assert "pane lost" in (await house.ask("interrupt"))["error"]

    assert tell(story).dispatcher.interrupted == 1


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)


async def over_the_socket(house: House) -> bytes:
    reader, writer = await asyncio.open_unix_connection(house.path)
    writer.write(b'{"op":"resume"}\n')
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line


def running(story: Story) -> Story:
    """Run the story beside the service, and end the service afterwards."""

    async def beside(house: House) -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(house.control.run(), name="control")
            await until(house.server.in_place)
            try:
                await story(house)
            finally:
                task.cancel()

    return beside


def test_the_service_answers_on_its_socket_and_removes_it_at_the_end(tell: Tell) -> None:
    async def story(house: House) -> None:
        assert await over_the_socket(house) == yes(paused=False)

    assert not tell(running(story)).path.exists()


def test_the_socket_is_made_again_when_its_file_is_deleted(tell: Tell) -> None:
    async def story(house: House) -> None:
        for name in ("control.sock", ""):
            house.path.unlink()
            house.files.vanished("in.mail")
            house.files.vanished(name)
            await until(house.server.in_place)
            assert await over_the_socket(house) == yes(paused=False)
        house.files.vanished("")

    tell(running(story))


def test_something_else_in_the_sockets_place_is_said_and_the_daemon_goes_on(tell: Tell) -> None:
    async def story(house: House) -> None:
        house.path.unlink()
        house.path.write_text("mine")
        house.files.vanished("control.sock")
        await until(lambda: bool(logs))
        house.path.unlink()
        await until(house.server.in_place)
        assert await over_the_socket(house) == yes(paused=False)

    with capture_logs() as logs:
        tell(running(story))
    assert [entry["event"] for entry in logs] == ["control socket not made again"]


def test_the_service_understands_every_request_of_the_language(tell: Tell) -> None:
    async def story(house: House) -> None:
        fields: dict[str, dict[str, Any]] = {"send": {"message": {"content": "x"}}, "show": {"id": 1}}
        fields |= {op: {"id": 9} for op in ("letter", "retry", "drop")}
        house.store.letters = {9: letter(9, None)}
        for op in OPS:
            assert not isinstance(parse_request(msgspec.json.encode({"op": op, **fields.get(op, {})})), str)
            assert (await house.ask(op, **fields.get(op, {})))["ok"]

    tell(story)


def test_the_daemons_runs_are_told(tell: Tell) -> None:
    async def story(house: House) -> None:
        newest = {"started_at": 900.0, "alive_before": 2.0, "ended": None}
        assert (await house.ask("runs", since=5))["runs"] == [newest]
        assert [run["ended"] for run in (await house.ask("runs"))["runs"]] == ["killed", None]
        assert (await house.ask("status"))["status"]["started_at"] == 1_000.0

    tell(story)


# ------------------------------------------------------------------------------------------ dead letters


def letter(id_: int, raw: bytes | None) -> DeadLetter:
    return DeadLetter(
        id=id_, channel="tg", at=5.0, reason="bad", key=None, raw=raw, content="\ufffd!", whole_bytes=None
    )


def test_dead_letters_are_listed_shown_to_the_byte_and_dropped(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        house.store.letters = {1: letter(1, b"\xff!"), 2: letter(2, None)}
        listed = (await house.ask("dead"))["letters"]
        assert [(one["id"], one["kind"], one["bytes"]) for one in listed] == [
            (2, "message", 4),
            (1, "line", 2),
        ]
        assert "verbatim" not in listed[0]
        shown = (await house.ask("letter", id=1))["letter"]
        assert b64decode(shown["verbatim"]) == b"\xff!"
        assert await house.ask("drop", id=1) == {"ok": True, "id": 1}
        for op in ("letter", "retry", "drop"):
            assert "no dead letter 1" in (await house.ask(op, id=1))["error"]
        assert not (await house.ask("letter", id="one"))["ok"]

    asyncio.run(story())


def test_a_dead_letter_is_tried_again_as_it_stands_or_as_it_reads_now(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        house.store.letters = {1: letter(1, b"hi"), 2: letter(2, None), 3: letter(3, b"x" * 11)}
        assert await house.ask("retry", id=1) == {"ok": True, "id": 1}
        assert await house.ask("retry", id=2) == {"ok": True, "id": 2}
        assert house.store.revived == [(1, Incoming(channel="tg", content="hi", ts=1_000.0)), (2, None)]
        assert house.feed.told == [QueueGrew(), QueueGrew()]
        assert "max_message_bytes is 10" in (await house.ask("retry", id=3))["error"]
        house.store.key_of = 7
        assert "message 7 has its key" in (await house.ask("retry", id=1))["error"]
        house.store.raced = True
        assert "no dead letter 1" in (await house.ask("retry", id=1))["error"]
        assert len(house.feed.told) == 2

    asyncio.run(story())
