"""The nursery: a small process that is the parent of all children. A program of its own.

    python -I -S process.py FD LOCK

LOCK is a descriptor that it only keeps: who waits for that lock waits for the end of all children. FD is a
SOCK_SEQPACKET connection to whoever wants children. It is told

    start           with descriptors: a file that says what to start (`request`), its stdout, its stderr
    end PID         SIGTERM for this child and all that came of it, SIGKILL for what is left after 5 s

and tells

    started PID BIRTH     answers to `start`, in order; BIRTH is the start time of proc_pid_stat(5)
    failed ERRNO
    exited PID CODE       a child has ended; negative is the number of a signal
    clear PID             nothing that came of it is left

A child leads a session, so its group has its pid. What it starts may leave that group, and lose its parent:
the nursery is the subreaper (prctl(2)) of them all, so they become its own children, and a variable in their
environment tells whose they were. When a child ends, what is left of it is ended too.

When the connection ends, in order or because the other end was killed, all children are ended, and then it
ends itself. It ignores the signals that a terminal or a service manager sends to a whole group, and imports
next to nothing.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from errno import EINVAL

GRACE_S = 5.0
"""What was asked to end may take so long."""

AGAIN_S = 0.05
"""So often what is killed is looked for again: it may just have started something."""

MARK = "CCMUX_NURSERY_CHILD"
"""The environment variable by which the descendants of a child are known."""

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_MESSAGE_BYTES = 64
_FDS = 3
_INT_BYTES = 4
_AT_ONCE = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_IGNORED = (*_DEAF_TO, signal.SIGPIPE, signal.SIGXFSZ)
"""We ignore these, or Python does; what is ignored would stay ignored in a child."""


class Process:
    """A line of the process table."""

    __slots__ = ("group", "parent", "session")

    def __init__(self, parent: int, group: int, session: int) -> None:
        self.parent = parent
        self.group = group
        self.session = session


class Child:
    """A process that was asked for, until nothing that came of it is left."""

    __slots__ = ("ended", "kill_at_s", "left_asked", "mark", "pid")

    def __init__(self, pid: int, mark: str) -> None:
        self.pid = pid
        self.mark = mark
        self.ended = False
        self.left_asked = False
        """Whether what it left behind was asked to end."""
        self.kill_at_s: float | None = None
        """When what is left is killed; None where nothing was asked to end."""


class Nursery:
    """The children, and the connection to whoever wants them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._is_over = False
        self._children: dict[int, Child] = {}
        self._count = 0
        self._nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def run(self) -> None:
        """Serve until the connection ends and no child is left."""
        woken, wakes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        watched = select.poll()
        watched.register(woken, select.POLLIN)
        watched.register(self._connection, select.POLLIN)
        while not self._is_over or self._has_children():
            ready = {fd for fd, _ in watched.poll(self._wait_ms())}
            if woken in ready:
                with suppress(BlockingIOError):
                    os.read(woken, 4096)
                self._reap()
            if self._connection.fileno() in ready:
                self._hear()
                if self._is_over:
                    watched.unregister(self._connection)
            self._kill_who_is_late()

    def _wait_ms(self) -> int | None:
        times = [child.kill_at_s for child in self._children.values() if child.kill_at_s is not None]
        if not times:
            return None
        return max(0, round((min(times) - time.monotonic()) * 1_000))

    # what is asked

    def _hear(self) -> None:
        """Do all that was asked."""
        ending = []
        while True:
            try:
                told, fds = _received(self._connection)
            except BlockingIOError:
                break
            except OSError:
                told, fds = b"", []
            word, _, number = told.partition(b" ")
            if word == b"start" and len(fds) == _FDS:
                self._start(*fds)
            elif word == b"end" and (child := self._children.get(int(number))) is not None:
                ending.append(child)
            for fd in fds:
                os.close(fd)
            if not told:
                self._is_over = True
                ending += self._children.values()
                break
        self._end([child for child in ending if child.kill_at_s is None], {})

    def _start(self, wish: int, out: int, err: int) -> None:
        self._count += 1
        mark = f"{os.getpid()}-{self._count}"
        try:
            argv, more = parse_request(_content(wish))
            pid = os.posix_spawnp(
                argv[0],
                argv,
                {**os.environb, **more, MARK.encode(): mark.encode()},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, self._nothing, 0),
                    (os.POSIX_SPAWN_DUP2, out, 1),
                    (os.POSIX_SPAWN_DUP2, err, 2),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=_IGNORED,
            )
        except OSError as error:
            self._tell(f"failed {error.errno}")
        except ValueError:  # no word at all, or an empty one
            self._tell(f"failed {EINVAL}")
        else:
            self._children[pid] = Child(pid, mark)
            self._tell(f"started {pid} {birth_of(pid)}")

    def _tell(self, line: str) -> None:
        with suppress(OSError):  # its end is heard from the connection
            self._connection.send(line.encode())

    # who has ended

    def _reap(self) -> None:
        ended = []
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                child = self._children.get(pid)
                if child is not None:
                    child.ended = True
                    ended.append((child, os.waitstatus_to_exitcode(status)))
        for child, code in ended:
            self._tell(f"exited {child.pid} {code}")
        if any(child.ended for child in self._children.values()):
            self._clear()

    def _clear(self) -> None:
        """Tell of those of whom nothing is left; ask what is left of the others to end."""
        # Who has lost its parent is our child now: the kernel lists those at once, the table takes long.
        table = our_processes() if self._has_adopted() else {}
        left = []
        for child in [child for child in self._children.values() if child.ended]:
            if not _descendants(child, table):
                del self._children[child.pid]
                self._tell(f"clear {child.pid}")
            elif not child.left_asked:
                child.left_asked = True
                left.append(child)
        self._end(left, table)

    def _has_adopted(self) -> bool:
        ours = _children_of_ours()
        return ours is None or not ours <= {pid for pid, child in self._children.items() if not child.ended}

    def _has_children(self) -> bool:
        """Whether any process is left below us; who is nobody's, and so was asked by nobody, is killed."""
        if self._children:
            return True
        for pid in our_processes():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    # the end of others

    def _end(self, children: list[Child], table: dict[int, Process]) -> None:
        """Ask each group to end, and who is in the table; others are asked when they lose their parent."""
        for child in children:
            child.kill_at_s = child.kill_at_s or time.monotonic() + GRACE_S
            # Who is suspended hears SIGTERM only once it goes on.
            _signal(child, table, signal.SIGTERM, signal.SIGCONT)

    def _kill_who_is_late(self) -> None:
        now_s = time.monotonic()
        late = [child for child in self._children.values() if (child.kill_at_s or now_s + 1) <= now_s]
        table = our_processes() if late else {}
        for child in late:
            _signal(child, table, signal.SIGKILL)
            child.kill_at_s = now_s + AGAIN_S
        if late:
            self._reap()


def _received(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Return a message and its descriptors, or raise; `socket.recv_fds` of Python 3.11 knows no flags."""
    told, more, _, _ = connection.recvmsg(_MESSAGE_BYTES, socket.CMSG_LEN(_FDS * _INT_BYTES), _AT_ONCE)
    words = b"".join(data for _, _, data in more)
    return told, [
        int.from_bytes(words[at : at + _INT_BYTES], sys.byteorder) for at in range(0, len(words), _INT_BYTES)
    ]


def request(argv: Iterable[str], environment: Iterable[tuple[str, str]]) -> bytes:
    """Return what `start` is told to start: words and more environment variables, none with a NUL."""
    words = [os.fsencode(word) for word in argv]
    more = [os.fsencode(f"{name}={value}") for name, value in environment]
    return b"\0".join([b"%d" % len(words), *words, *more])


def parse_request(told: bytes) -> tuple[list[bytes], dict[bytes, bytes]]:
    """Return the words and the variables of a `request`."""
    count, *rest = told.split(b"\0")
    argv, more = rest[: int(count)], rest[int(count) :]
    return argv, {name: value for name, _, value in (pair.partition(b"=") for pair in more)}


def birth_of(pid: int) -> str:
    """Return the start time of a process, by which it is told from a later one of that pid; "" if gone."""
    fields = _stat(pid)
    return "" if fields is None else fields[19].decode()


def our_processes() -> dict[int, Process]:
    """Return all that came of us; who has ended and was not waited for is left out."""
    table: dict[int, Process] = {}
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would cost memory
        if name.isdecimal() and (fields := _stat(int(name))) is not None and fields[0] != b"Z":
            table[int(name)] = process = Process(int(fields[1]), int(fields[2]), int(fields[3]))
            children.setdefault(process.parent, []).append(int(name))
    return {pid: table[pid] for pid in _below([os.getpid()], children)}


def _below(roots: Iterable[int], children: dict[int, list[int]]) -> set[int]:
    found: set[int] = set()
    unseen = list(roots)
    while unseen:
        new = set(children.get(unseen.pop(), ())) - found
        found |= new
        unseen += new
    return found


def _stat(pid: int) -> list[bytes] | None:
    """Return the fields of proc_pid_stat(5) from the third on; None where the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def _descendants(child: Child, table: dict[int, Process]) -> set[int]:
    """Return who came of a child, itself too, in or out of its group and with or without a parent."""
    found = {
        pid
        for pid, process in table.items()
        if child.pid in (pid, process.group, process.session)
        or (process.parent == os.getpid() and _has_mark(pid, child.mark))
    }
    children: dict[int, list[int]] = {}
    for pid, process in table.items():
        children.setdefault(process.parent, []).append(pid)
    return found | _below(found, children)


def _has_mark(pid: int, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return f"{MARK}={mark}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def _signal(child: Child, table: dict[int, Process], *numbers: signal.Signals) -> None:
    """Signal its group at once, so that nobody slips through by starting another, and who left the group."""
    found = _descendants(child, table)
    others = [pid for pid in found if table[pid].group != child.pid]
    has_group = not child.ended or len(others) < len(found)
    for number in numbers:
        with suppress(ProcessLookupError, PermissionError):
            if has_group:
                os.killpg(child.pid, number)
        for pid in others:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def _children_of_ours() -> set[int] | None:
    """Return the pids of our children, None where this kernel does not list them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:  # noqa: PTH123 - as above
            return set(map(int, file.read().split()))
    except OSError:
        return None


def _content(fd: int) -> bytes:
    return b"".join(iter(lambda: os.read(fd, 65_536), b""))


def main(fd: int, lock: int) -> None:
    """Be the nursery of whoever is at the other end of this descriptor, and hold a lock as long."""
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    for kept in (fd, lock):
        os.set_inheritable(kept, False)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    Nursery(socket.socket(fileno=fd)).run()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
