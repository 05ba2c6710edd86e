"""Real processes below a real nursery: started, read, ended with all that came of them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccmux.core.errors import ChildNotStarted, OverseerRefused
from ccmux.drivers.children import Child, Nursery, process
from ccmux.drivers.children.process import birth_of, parse_request, request
from tests.overseer.stand import lives


class Watch:
    """Listens to a child and remembers."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.said: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self.ended: set[str] = set()
        self.code: int | None = None
        self.exited = asyncio.Event()
        self.cleared = asyncio.Event()
        self.lines = asyncio.Event()
        child.listen(self._output, self._exit, self._clear)

    def _output(self, stream: str, chunk: bytes) -> None:
        assert stream not in self.ended
        assert self.code is None
        self.said[stream] += chunk
        if not chunk:
            self.ended.add(stream)
        self.lines.set()

    def _exit(self, code: int) -> None:
        assert self.ended == {"stdout", "stderr"}
        self.code = code
        self.exited.set()

    def _clear(self) -> None:
        assert self.exited.is_set()
        self.cleared.set()

    async def line(self) -> str:
        while b"\n" not in self.said["stdout"]:
            self.lines.clear()
            await self.lines.wait()
        first, _, self.said["stdout"] = self.said["stdout"].partition(b"\n")
        return first.decode()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def until_ended(is_so: Callable[[], bool]) -> None:
    """Wait for an end that nothing tells of."""
    while not is_so():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.01)


def on(folder: Path, story: Callable[[Nursery], Awaitable[None]], **environment: str) -> None:
    async def told() -> None:
        nursery = Nursery({**os.environ, **environment}, lock=folder / "lock")
        await nursery.begin()
        try:
            async with asyncio.timeout(60):
                await story(nursery)
        finally:
            await nursery.close(within_s=30)

    asyncio.run(told())


async def start(nursery: Nursery, *argv: str, **environment: str) -> Watch:
    return Watch(await nursery.start(argv, environment))


async def script(nursery: Nursery, text: str) -> Watch:
    return await start(nursery, "sh", "-c", text)


def test_what_it_prints_and_how_it_ends(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await script(nursery, "echo one; echo two >&2; printf end; exit 3")
        await watch.cleared.wait()
        assert watch.said == {"stdout": b"one\nend", "stderr": b"two\n"}
        assert watch.code == 3

    on(tmp_path, story)


def test_nothing_is_told_before_somebody_listens_and_nothing_is_lost(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        child = await nursery.start(("echo", "early"), {})
        other = await script(nursery, "sleep 0.1")
        await other.cleared.wait()
        watch = Watch(child)
        await watch.cleared.wait()
        assert watch.said["stdout"] == b"early\n"
        assert watch.code == 0

    on(tmp_path, story)


def test_it_leads_a_session_and_inherits_no_more_than_it_should(tmp_path: Path) -> None:
    python = (
        "import os, signal, sys; sys.stdout.write(' '.join(map(str, ["
        "os.getpid() == os.getsid(0) == os.getpgid(0),"
        "sorted(os.listdir('/proc/self/fd')), signal.getsignal(signal.SIGINT) is signal.default_int_handler,"
        "signal.pthread_sigmask(signal.SIG_BLOCK, []), os.environ['MORE'], os.environ['GIVEN'],"
        "os.read(0, 1)])) + '\\n')"
    )

    async def story(nursery: Nursery) -> None:
        watch = await start(nursery, sys.executable, "-c", python, MORE="a=b")
        assert await watch.line() == "True ['0', '1', '2', '3'] True set() a=b x b''"

    on(tmp_path, story, GIVEN="x")


def test_sigpipe_ends_it_as_it_ends_any_program(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await script(nursery, "yes | head -n 1 >/dev/null; sh -c 'kill -PIPE $$'; exit $?")
        await watch.exited.wait()
        assert watch.code == 128 + signal.SIGPIPE

    on(tmp_path, story)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("no-such-program",), "No such file or directory"),
        (("/tmp",), "Permission denied"),
        (("",), "Invalid argument"),
        (("echo", "x" * 200_000), "Argument list too long"),
    ],
)
def test_what_cannot_be_started_says_why(tmp_path: Path, argv: tuple[str, ...], reason: str) -> None:
    async def story(nursery: Nursery) -> None:
        before = open_files()
        for _ in range(3):
            with pytest.raises(ChildNotStarted, match=reason):
                await nursery.start(argv, {})
        assert open_files() <= before + 3  # the nursery's own

    on(tmp_path, story)


def test_a_signal_ends_it(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await start(nursery, "sleep", "1000")
        nursery.end(watch.child.pid)
        nursery.end(watch.child.pid)
        await watch.cleared.wait()
        assert watch.code == -signal.SIGTERM
        nursery.end(watch.child.pid)  # it is gone: that does no harm

    on(tmp_path, story)


def test_one_that_is_suspended_can_be_ended(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await start(nursery, "sleep", "1000")
        os.kill(watch.child.pid, signal.SIGSTOP)
        nursery.end(watch.child.pid)
        await watch.cleared.wait()
        assert watch.code == -signal.SIGTERM

    on(tmp_path, story)


FAMILY = (
    "sleep 1000 & echo $!; "  # in its group
    "setsid sleep 1000 & echo $!; "  # out of it
    "(setsid sh -c 'echo $$; exec sleep 1000' &); "  # without a parent
    "sleep 0.3; {}"
)


@pytest.mark.parametrize("ends", ["exit 7", "exec sleep 1000"])
def test_all_that_came_of_it_ends_with_it(tmp_path: Path, ends: str) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await script(nursery, FAMILY.format(ends))
        pids = [int(await watch.line()) for _ in range(3)]
        assert all(map(lives, pids))
        if "sleep" in ends:
            nursery.end(watch.child.pid)
        await watch.cleared.wait()
        assert not any(map(lives, pids))

    on(tmp_path, story)


def test_another_child_and_its_family_are_left_alone(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        other = await script(nursery, "(setsid sh -c 'echo $$; exec sleep 1000' &); exec sleep 1000")
        theirs = int(await other.line())
        watch = await script(nursery, "(setsid sleep 1000 &); exit")
        await watch.cleared.wait()
        assert lives(theirs)
        assert lives(other.child.pid)
        nursery.end(other.child.pid)
        await other.cleared.wait()
        assert not lives(theirs)

    on(tmp_path, story)


def test_who_does_not_hear_is_killed(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await script(
            nursery, "trap '' TERM; (trap '' TERM; echo go; while :; do sleep 0.1; done) & wait; wait"
        )
        await watch.line()
        nursery.end(watch.child.pid)
        await watch.cleared.wait()
        assert watch.code == -signal.SIGKILL

    on(tmp_path, story)


def test_a_grandchild_that_keeps_the_pipe_and_writes_on_keeps_no_end(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await script(nursery, "trap '' PIPE; yes & exit 0")
        await watch.cleared.wait()
        assert watch.code == 0

    on(tmp_path, story)


def test_who_is_not_read_waits_and_goes_on(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await script(nursery, "echo first; head -c 300000 /dev/zero; exit 0")
        watch.child.wait()
        other = await script(nursery, "sleep 0.3")
        await other.cleared.wait()
        assert len(watch.said["stdout"]) < 200_000
        assert not watch.exited.is_set()
        watch.child.read_on()
        await watch.cleared.wait()
        assert len(watch.said["stdout"]) == 300_006

    on(tmp_path, story)


def test_many_at_once(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watches = await asyncio.gather(*(start(nursery, "sleep", "1000") for _ in range(100)))
        assert len({watch.child.pid for watch in watches}) == 100
        for watch in watches:
            nursery.end(watch.child.pid)
        for watch in watches:
            await watch.cleared.wait()

    on(tmp_path, story)


def test_a_start_that_nobody_waits_for_any_more_leaves_nothing(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        mark = tmp_path / "pid"
        first = await start(nursery, "true")
        await first.cleared.wait()
        async with asyncio.TaskGroup() as group:
            starting = group.create_task(
                nursery.start(("sh", "-c", f"echo $$ > {mark}; exec sleep 1000"), {})
            )
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            starting.cancel()
        last = await start(nursery, "true")
        await last.cleared.wait()
        # It may be ended before it writes.
        await until_ended(lambda: not mark.exists() or not (text := mark.read_text()) or not lives(int(text)))

    on(tmp_path, story)


def test_the_end_of_the_nursery_is_the_end_of_all(tmp_path: Path) -> None:
    pids: list[int] = []

    async def story(nursery: Nursery) -> None:
        watch = await script(nursery, "(setsid sh -c 'echo $$; exec sleep 1000' &); exec sleep 1000")
        pids.append(int(await watch.line()))
        pids.append(watch.child.pid)
        await nursery.close(within_s=30)
        assert watch.code == -signal.SIGTERM
        await nursery.close(within_s=30)  # a second time does no harm

    on(tmp_path, story)
    assert not any(map(lives, pids))


def test_a_nursery_that_is_killed_is_made_good(tmp_path: Path) -> None:
    async def story(nursery: Nursery) -> None:
        watch = await start(nursery, "sleep", "1000")
        assert nursery._process is not None
        nursery._process.kill()
        await watch.cleared.wait()
        assert watch.code == -signal.SIGKILL
        await until_ended(lambda: not lives(watch.child.pid))
        again = await start(nursery, "echo", "again")
        assert await again.line() == "again"

    with capture_logs() as logs:
        on(tmp_path, story)
    assert {"event": "nursery died", "children": 1, "log_level": "error"} in logs


def test_one_overseer_a_lock_and_the_next_waits_for_the_children(tmp_path: Path) -> None:
    """A process that was killed leaves its nursery: only when that has ended, the next one may begin."""
    program = (
        "import asyncio, os, sys; from pathlib import Path; from ccmux.drivers.children import Nursery\n"
        "async def main():\n"
        " nursery = Nursery(os.environ, lock=Path(sys.argv[1])); await nursery.begin()\n"
        " child = await nursery.start(('sh', '-c', \"trap '' TERM; while :; do sleep 0.1; done\"), {})\n"
        " print(child.pid, flush=True); await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    lock = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", program, lock], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        pid = int(first.stdout.readline())

        async def refused() -> None:
            with pytest.raises(OverseerRefused, match="another overseer holds"):
                await Nursery({}, lock=lock).begin()

        asyncio.run(refused())
        first.kill()
    assert lives(pid)

    async def next_() -> None:
        nursery = Nursery({}, lock=lock)
        async with asyncio.timeout(60):
            await nursery.begin()
        assert not lives(pid)
        await nursery.close(within_s=0)

    asyncio.run(next_())
    assert lock.stat().st_mode & 0o777 == 0o600


def test_a_stray_is_ended_and_no_other_process(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stray:
        reaping = threading.Thread(target=stray.wait)

        async def story(nursery: Nursery) -> None:
            assert not await nursery.end_stray(stray.pid, "1")
            assert not await nursery.end_stray(stray.pid, "")
            assert stray.poll() is None
            birth = birth_of(stray.pid)
            reaping.start()
            assert await nursery.end_stray(stray.pid, birth)
            reaping.join()
            assert stray.returncode == -signal.SIGTERM
            assert not await nursery.end_stray(stray.pid, birth)

        on(tmp_path, story)


def test_a_request_is_read_as_it_was_written() -> None:
    argv = ["echo", "", "a b\n", "\udcff"]
    told = parse_request(request(argv, [("A", "b=c"), ("E", "")]))
    assert told == ([b"echo", b"", b"a b\n", b"\xff"], {b"A": b"b=c", b"E": b""})


def test_the_nursery_ends_with_who_started_it(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    with theirs:
        nursery = subprocess.Popen(
            [sys.executable, "-I", "-S", process.__file__, str(theirs.fileno()), str(lock)],
            pass_fds=(theirs.fileno(), lock),
        )
    os.close(lock)
    nursery.send_signal(signal.SIGTERM)
    nursery.send_signal(signal.SIGINT)
    ours.close()
    assert nursery.wait(30) in {0, -signal.SIGTERM, -signal.SIGINT}  # it may not have begun to ignore them
