"""The loop's end of the nursery: starts it, asks for children and their end, and hears what becomes of them.

It decides nothing about them. Where the nursery itself is killed, its children are ended here, and the next
child that is asked for has a new one.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from errno import ECHILD
from pathlib import Path

import structlog

from ccmux.core.errors import ChildNotStarted, OverseerRefused
from ccmux.drivers.children import process
from ccmux.drivers.children.child import Child

LOOK_S = 0.05
"""So often it is looked whether the children of who was killed have ended; they have 5 s to."""

AT_ONCE = 8
"""So many starts are under way; a connection holds only so many descriptors that nobody took yet."""

_MESSAGE_BYTES = 128

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A start that is not answered yet, and the pipes of the child to come."""

    answer: asyncio.Future[Child]
    pipes: Mapping[str, int]


class Nursery:
    """The children of one nursery process, which is started with the first of them."""

    def __init__(self, environment: Mapping[str, str], *, lock: Path) -> None:
        """Take what children inherit; `lock` is a file that is locked as long as any child may live."""
        self._environment = dict(environment)
        self._lock_path = lock
        self._lock = -1
        self._starts = asyncio.Semaphore(AT_ONCE)
        self._birth = asyncio.Lock()
        self._gone = asyncio.Event()
        self._gone.set()
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._children: dict[int, Child] = {}
        self._asked: deque[_Asked] = deque()
        self._unsaid: deque[tuple[bytes, list[int]]] = deque()

    async def begin(self) -> None:
        """Wait until the children of whoever was before us have ended: no task may run twice.

        Raises:
            OverseerRefused: Whoever has them lives.
            OSError: The lock cannot be made.

        """
        if self._lock < 0:
            self._lock = os.open(
                self._lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        # A lock of a process: it ends with its holder, whatever becomes of the children.
        if not _locked(self._lock, fcntl.lockf):
            raise OverseerRefused(
                f"another overseer holds {self._lock_path}", "stop it, or name another database"
            )
        # A lock of a descriptor: nurseries inherit it. Nothing tells of its end.
        while not _locked(self._lock, fcntl.flock):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)

    async def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a program, without a shell and in a session of its own; `environment` is more than inherited.

        Raises:
            ChildNotStarted: There is no such program, or the system refuses.

        """
        try:
            async with self._starts:
                async with self._birth:
                    if self._connection is None:
                        await self._be_born()
                return await self._ask(process.request(argv, environment.items()))
        except OSError as error:
            raise ChildNotStarted(argv[0], error.strerror or str(error)) from error

    def end(self, pid: int) -> None:
        """Ask a child and all that came of it to end, and kill what is left after five seconds."""
        if pid in self._children:
            self._unsaid.append((b"end %d" % pid, []))
            self._say()

    async def close(self, *, within_s: float) -> None:
        """Ask all children to end, and wait for them so long. They end in any case, a little later."""
        if self._connection is not None:
            with suppress(OSError):  # it has just died
                self._connection.shutdown(socket.SHUT_WR)
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._gone.wait()
        self._let_go()
        if self._lock >= 0:
            # The nursery has it too, and so holds the lock until it ends.
            os.close(self._lock)
            self._lock = -1

    async def _be_born(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = await asyncio.to_thread(self._popen, theirs.fileno())
        ours.setblocking(False)
        self._connection, self._pidfd = ours, os.pidfd_open(self._process.pid)
        self._gone.clear()
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, self._hear)
        loop.add_reader(self._pidfd, self._died)

    def _popen(self, connection: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", process.__file__, str(connection), str(self._lock)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(connection, self._lock),
            start_new_session=True,
        )

    async def _ask(self, request: bytes) -> Child:
        with ExitStack() as opened:
            wish = os.memfd_create("request", os.MFD_CLOEXEC)
            opened.callback(os.close, wish)
            with os.fdopen(os.dup(wish), "wb") as file:
                file.write(request)
            os.lseek(wish, 0, os.SEEK_SET)
            fds, pipes = [wish], dict[str, int]()
            for stream in ("stdout", "stderr"):
                pipes[stream], end = os.pipe2(os.O_CLOEXEC)
                opened.callback(_close_all, (pipes[stream], end))
                os.set_blocking(pipes[stream], False)
                fds.append(end)
            opened.pop_all()
        asked = _Asked(asyncio.get_running_loop().create_future(), pipes)
        self._asked.append(asked)
        self._unsaid.append((b"start", fds))
        self._say()
        return await asked.answer

    def _say(self) -> None:
        """Say what is unsaid, as far as the nursery takes it now."""
        loop, connection = asyncio.get_running_loop(), self._connection
        if connection is None:
            return
        loop.remove_writer(connection)
        while self._unsaid:
            told, fds = self._unsaid[0]
            try:
                socket.send_fds(connection, [told], fds)
            except BlockingIOError:
                loop.add_writer(connection, self._say)
                return
            except OSError:
                return  # it has died, and that is heard
            _close_all(fds)
            self._unsaid.popleft()

    def _hear(self) -> None:
        """Take what the nursery has told so far."""
        while self._connection is not None:
            try:
                told = self._connection.recv(_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                told = b""
            if not told:
                asyncio.get_running_loop().remove_reader(self._connection)
                return
            self._take(*told.decode().split(" "))

    def _take(self, word: str, number: str, more: str = "") -> None:
        match word:
            case "started":
                self._started(int(number), more)
            case "failed":
                asked = self._asked.popleft()
                _close_all(asked.pipes.values())
                _fail(asked, int(number))
            case "exited" if (child := self._children.get(int(number))) is not None:
                child.exited(int(more))
            case "clear" if (child := self._children.pop(int(number), None)) is not None:
                child.cleared()

    def _started(self, pid: int, birth: str) -> None:
        asked = self._asked.popleft()
        child = self._children[pid] = Child(pid, birth, asked.pipes)
        if asked.answer.done():  # who asked has gone
            child.close()
            self.end(pid)
        else:
            asked.answer.set_result(child)

    def _died(self) -> None:
        """Hear that the nursery has ended; where it was killed, end who was left without it."""
        self._hear()
        left, self._children = self._children, {}
        if left:
            log.error("nursery died", children=len(left))
        for pid, child in left.items():
            if child.birth == process.birth_of(pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            child.exited(-signal.SIGKILL)
            child.cleared()
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is None or self._process is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._connection)
        loop.remove_writer(self._connection)
        loop.remove_reader(self._pidfd)
        self._connection.close()
        self._connection = None
        os.close(self._pidfd)
        self._process.poll()
        self._process = None
        for child in self._children.values():
            child.close()
        self._children.clear()
        for _, fds in self._unsaid:
            _close_all(fds)
        self._unsaid.clear()
        while self._asked:
            asked = self._asked.popleft()
            _close_all(asked.pipes.values())
            _fail(asked, ECHILD)
        self._gone.set()

    async def end_stray(self, pid: int, birth: str) -> bool:
        """End the group of a process that outlived whoever watched it; return whether it was there.

        `birth` tells it from another process that has its pid now.
        """
        return await asyncio.to_thread(_end_stray, pid, birth)


def _end_stray(pid: int, birth: str) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not birth or process.birth_of(pid) != birth:
            return False
        for number, wait_s in ((signal.SIGTERM, process.GRACE_S), (signal.SIGKILL, process.GRACE_S)):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)
            if select.select([descriptor], [], [], wait_s)[0]:
                break
    finally:
        os.close(descriptor)
    return True


def _locked(fd: int, lock: Callable[[int, int], object]) -> bool:
    try:
        lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # lockf(3) may say either
        return False
    return True


def _fail(asked: _Asked, errno: int) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(OSError(errno, os.strerror(errno)))


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)
