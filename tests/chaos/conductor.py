"""Runs a house under fire: writers and a reader go on while one thing after another is killed.

A period is one fault: the daemon is started (again) where it is down, the writers get their share of the
messages, the fault happens, and what a service manager would restart is started again.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ccmux.core.errors import CcmuxError
from ccmux.core.failpoints import Point
from ccmux.core.messages import OPEN_STATES
from tests.chaos.judge import Verdict, judge
from tests.house.stand import Stand

REACH_S = 20.0
"""A failpoint that was not reached for so long never will be."""
BACK_S = 40.0
POLL_S = 0.02

POINTS = tuple(f"at {point}" for point in Point)
ACTS = (
    "daemon -9",
    "daemon stopped -9",
    "daemon -15",
    "claude -9",
    "claude -9 at work",
    "claude and daemon -9",
    "tmux session",
    "tmux server",
    "keeper -9",
    "reader -9",
    "writer -9",
)
FAULTS = (*POINTS, *ACTS)

KINDS = ("keyed", "plain", "echo", "send", "tell", "slow")
_AT_READING = {f"at {Point.RECEIVED}", f"at {Point.COMMITTED}"}
_OUT = {f"at {Point.OUTBOX_WRITTEN}", f"at {Point.DELIVERED}"}
_AT_WORK = {"claude -9 at work", "claude and daemon -9"}
_STEP = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do: `messages` are spread over `faults`, one period each, in this order."""

    messages: int
    faults: tuple[str, ...]
    seed: str
    agent: str = "demo"


def plan(*, messages: int, faults: Sequence[str], seed: str, agent: str, periods: int = 0) -> Plan:
    """Return a plan that goes through all these faults in chance's order, as often as `periods` allows."""
    chance = random.Random(seed)
    wanted = periods or max(len(faults), messages // 20)
    order: list[str] = []
    while len(order) < wanted:
        order += chance.sample(list(faults), len(faults))
    return Plan(messages=messages, faults=tuple(order[:wanted]), seed=seed, agent=agent)


def run(todo: Plan, folder: Path, *, say: Callable[[str], None] = lambda _line: None) -> Verdict:
    """Do it in this folder, and judge."""
    with Stand(folder, agent=todo.agent) as stand:
        return _Conductor(todo, stand, say).run()


class _Conductor:
    def __init__(self, todo: Plan, stand: Stand, say: Callable[[str], None]) -> None:
        self._plan = todo
        self._stand = stand
        self._say = say
        self._chance = random.Random(f"{todo.seed}acts")
        self._failpoint = ""
        self._writers: dict[str, Writer] = {}
        self._reader: subprocess.Popen[bytes] | None = None
        self._out_ledger = stand.folder / "out.ledger"
        # Every second a still screen costs is a second of each batch.
        stand.settings["timing"] = {"silence_timeout": 0.2}

    def run(self) -> Verdict:
        stand = self._stand
        with ExitStack() as ending:
            self._launch()
            self._until_kept()
            for name in (*KINDS, "chat"):
                if name not in {"echo", "send"}:
                    os.mkfifo(stand.run / (f"out.{name}" if name == "chat" else f"in.{name}"), 0o600)
            for kind in KINDS:
                self._writers[kind] = ending.enter_context(_writer(kind, stand, self._plan.seed))
            ending.callback(self._end_reader)
            self._start_reader()
            self._periods()
            self._finish()
        return self._judge()

    # ---------------------------------------------------------------------------------------- the periods

    def _periods(self) -> None:
        shares = _shares(self._plan.messages, len(self._plan.faults))
        for period, (fault, share) in enumerate(zip(self._plan.faults, shares, strict=True)):
            began_s = time.monotonic()
            # Lines come in many reads; all that waits is one batch and passes the points behind it once.
            nth = 1 + self._chance.randrange(2 if fault in _AT_READING else 1) if fault in POINTS else 0
            self._launch(failpoint=f"{fault.removeprefix('at ')}:{nth}" if nth else "")
            self._hand_out(period, fault, share)
            reached = self._until_dead() if nth else self._act(fault)
            self._say(
                f"{period + 1}/{len(shares)} {fault}{'' if reached else ' (did not happen)'}:"
                f" {share} messages, {time.monotonic() - began_s:.1f} s"
            )

    def _hand_out(self, period: int, fault: str, share: int) -> None:
        kinds = ["tell"] if fault in _OUT else KINDS[:-1]
        names = [self._chance.choice(kinds) for _ in range(share)]
        if fault in _AT_WORK and names:
            # A batch's last line says what is done: it must come alone, and nothing before it be open.
            self._wait(self._is_quiet, REACH_S)
            self._writers["slow"].ask(period, 1)
            self._wait(lambda: self._stand.status()["queue"]["started"] > 0, REACH_S)
            names.pop()
        for name in KINDS:
            if name in names:
                self._writers[name].ask(period, names.count(name))

    def _act(self, fault: str) -> bool:
        """Let it happen; tell whether it did."""
        stand = self._stand
        if fault in _AT_WORK:
            if not self._wait(lambda: stand.status()["state"] == "busy", 1.0):
                return False
        else:
            time.sleep(self._chance.random() * 0.8)
        match fault:
            case "daemon -9":
                stand.kill()
            case "daemon stopped -9":
                assert stand.daemon is not None
                stand.daemon.send_signal(signal.SIGSTOP)
                time.sleep(0.3)
                stand.kill()
            case "daemon -15":
                stand.stop()
            case "claude -9" | "claude -9 at work":
                self._kill_claude()
            case "claude and daemon -9":
                self._kill_claude()
                stand.kill()
            case "tmux session":
                stand.tmux("kill-session", "-t", "=ccmux-stand", check=False)
            case "tmux server":
                stand.tmux("kill-server", check=False)
            case "keeper -9":
                killed = self._kill_keeper()
                self._until_kept()
                return killed
            case "reader -9":
                self._end_reader()
                time.sleep(self._chance.random() * 0.5)
                self._start_reader()
            case "writer -9":
                self._chance.choice(list(self._writers.values())).kill()
        return True

    def _kill_claude(self) -> None:
        with suppress(AssertionError, ValueError, ProcessLookupError):  # it or tmux has just been killed
            os.kill(self._stand.claude_pid, signal.SIGKILL)

    def _kill_keeper(self) -> bool:
        """Kill the process that holds our FIFOs; its command line ends in our state directory."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = path.read_bytes().rstrip(b"\0").split(b"\0")
                if words[-1] == os.fsencode(self._database.parent) and b"keeper" in words[-2]:
                    os.kill(int(path.parent.name), signal.SIGKILL)
                    return True
        return False

    def _until_kept(self) -> None:
        """Wait for a keeper: one that dies within a second of a daemon leaves nobody to hold the FIFOs."""
        time.sleep(0.1)  # that the old one has gone must be heard first
        self._wait(lambda: self._stand.status()["keeper"] != "none", REACH_S)

    # ----------------------------------------------------------------------------------------- the daemon

    def _launch(self, *, failpoint: str = "") -> None:
        """See to a daemon that will die at `failpoint`, or nowhere; end one that would do otherwise."""
        stand = self._stand
        if stand.daemon is not None:
            if failpoint == self._failpoint == "":
                return
            stand.stop()
            stand.daemon = None
        self._failpoint = failpoint
        stand.environment["CCMUX_FAILPOINT"] = failpoint
        try:
            stand.start(wait=False)
        except AssertionError:
            if not failpoint:
                raise  # it did not die at its failpoint
        del stand.environment["CCMUX_FAILPOINT"]

    def _until_dead(self) -> bool:
        daemon = self._stand.daemon
        assert daemon is not None
        try:
            code = daemon.wait(REACH_S)
        except subprocess.TimeoutExpired:
            self._stand.kill()
            return False
        assert code == -signal.SIGKILL, f"the daemon ended with {code}"
        self._stand.daemon = None
        return True

    def _wait(self, is_so: Callable[[], bool], limit_s: float) -> bool:
        """Wait until something is so; False where it never was."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            with suppress(CcmuxError, OSError):
                if is_so():
                    return True
            time.sleep(POLL_S)
        return False

    # ------------------------------------------------------------------------------------------ the reader

    def _start_reader(self) -> None:
        program = Path(__file__).with_name("reader.py")
        self._reader = subprocess.Popen(
            [sys.executable, str(program), str(self._stand.run / "out.chat"), str(self._out_ledger)]
        )

    def _end_reader(self) -> None:
        if self._reader is not None:
            self._reader.send_signal(signal.SIGUSR1)
            try:
                self._reader.wait(5)
            except subprocess.TimeoutExpired:
                self._reader.kill()
                self._reader.wait()

    # -------------------------------------------------------------------------------------------- the end

    def _finish(self) -> None:
        """Let everything come to its end, as far as it does."""
        self._launch()
        for writer in self._writers.values():
            writer.finish(BACK_S)
        if not self._wait(self._is_quiet, BACK_S + self._plan.messages / 10):
            self._say(f"the queue does not get empty: {self._stand.ccmux('why', check=False)}")
            self._stand.show()
        self._wait(lambda: not self._out_waiting(), BACK_S)

    def _is_quiet(self) -> bool:
        status = self._stand.status()
        return status["state"] == "idle" and not any(status["queue"][state] for state in OPEN_STATES)

    def _out_waiting(self) -> bool:
        db = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)
        try:
            (count,) = db.execute("SELECT count(*) FROM outgoing WHERE delivered_at IS NULL").fetchone()
        finally:
            db.close()
        return bool(count)

    @property
    def _database(self) -> Path:
        return self._stand.folder / "data/ccmux/stand/ccmux.db"

    def _judge(self) -> Verdict:
        stand = self._stand
        with stand.following(since=0) as follower:
            last = stand.status()["last_seq"]
            while not follower.seen or follower.seen[-1]["seq"] < last:
                follower.next()
        return judge(
            faults={str(period): fault for period, fault in enumerate(self._plan.faults)},
            ledgers=[writer.ledger for writer in self._writers.values()],
            prompts=stand.prompts(),
            transcripts=stand.transcripts(),
            out_ledger=self._out_ledger,
            database=self._database,
            events=follower.seen,
        )


class Writer:
    """One writing program; what was asked of it and not tried yet goes to the one that follows it."""

    def __init__(self, kind: str, stand: Stand, seed: str) -> None:
        self._kind = kind
        self._stand = stand
        self._seed = seed
        self._asked: dict[int, int] = {}
        self.ledger = stand.folder / f"{kind}.ledger"
        self.ledger.touch()
        self._program = self._start(0)

    def _start(self, first: int) -> subprocess.Popen[str]:
        program = Path(__file__).with_name("writer.py")
        arguments = [self._kind, self._kind, str(self._stand.run), str(self.ledger), str(first), self._seed]
        with (self._stand.folder / "writers.stderr").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, str(program), *arguments],
                cwd=self._stand.project,
                env=self._stand.environment,
                stdin=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                process_group=0,
            )

    def ask(self, period: int, count: int) -> None:
        """Let it send so many messages more."""
        self._asked[period] = self._asked.get(period, 0) + count
        self._tell(period, count)

    def _tell(self, period: int, count: int) -> None:
        assert self._program.stdin is not None
        self._program.stdin.write(f"{period} {count}\n")

    def kill(self) -> None:
        """Kill it in the middle of its work, with the command it may be running; another one goes on."""
        os.killpg(self._program.pid, signal.SIGKILL)
        self.finish(5)
        tried = [line.split() for line in self.ledger.read_text().splitlines() if line.startswith("try")]
        last = max((int(mark.split("-")[2]) for _, _, mark in tried), default=-1)
        self._program = self._start((last // _STEP + 1) * _STEP)
        for period, count in self._asked.items():
            left = count - sum(its == str(period) for _, its, _ in tried)
            if left > 0:
                self._tell(period, left)

    def finish(self, limit_s: float) -> None:
        """Let it send the rest, and end it."""
        assert self._program.stdin is not None
        with suppress(BrokenPipeError):
            self._program.stdin.close()
        try:
            self._program.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()


@contextmanager
def _writer(kind: str, stand: Stand, seed: str) -> Iterator[Writer]:
    writer = Writer(kind, stand, seed)
    try:
        yield writer
    finally:
        writer.finish(0.1)


def _shares(messages: int, periods: int) -> list[int]:
    return [messages * (at + 1) // periods - messages * at // periods for at in range(periods)]
