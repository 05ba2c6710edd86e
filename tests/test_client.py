"""Speaking with a daemon over real sockets; the daemon's side is scripted."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccmux.client import ControlClient, EventStream, spool_message
from ccmux.core.control import OTHER_PROJECT, parse_request, refusal
from ccmux.core.errors import DaemonUnreachable, RequestRefused, Unreached

Script = Callable[[socket.socket], None]


@contextmanager
def daemon(path: Path, *scripts: Script) -> Iterator[None]:
    """Answer one connection after the other, each with its script, then close it."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        for script in scripts:
            connection, _ = listening.accept()
            with connection:
                script(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join(30)
        listening.close()


def line_of(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += connection.recv(65_536)
    return line


def until_read(connection: socket.socket) -> None:
    """Wait until the other side has read all that was sent (unix(7): SIOCOUTQ)."""
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]:
        os.sched_yield()


def answering(*answers: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        for answer in answers:
            line_of(connection)
            connection.sendall(answer)

    return script


def test_questions_go_over_one_connection(tmp_path: Path) -> None:
    asked = []

    def script(connection: socket.socket) -> None:
        for number in range(2):
            asked.append(json.loads(line_of(connection)))
            connection.sendall(b'{"ok":true,"n":%d}\n' % number)

    with daemon(tmp_path / "s", script), ControlClient(tmp_path / "s", project="p") as client:
        assert client.ask("status") == {"ok": True, "n": 0}
        assert client.ask("why", id="ö\n") == {"ok": True, "n": 1}
    assert asked == [{"op": "status", "project": "p"}, {"op": "why", "project": "p", "id": "ö\n"}]


def test_a_no_is_an_error_with_the_daemons_words(tmp_path: Path) -> None:
    with daemon(tmp_path / "s", answering(b'{"ok":false,"error":"do this"}\n', b'{"ok":false}\n')):
        client = ControlClient(tmp_path / "s")
        with pytest.raises(RequestRefused, match=r"^do this$"):
            client.ask("status")
        with pytest.raises(RequestRefused, match="without a reason"):
            client.ask("status")
        client.close()


def test_the_daemon_of_another_project_is_no_daemon(tmp_path: Path) -> None:
    with (
        daemon(tmp_path / "s", answering(refusal("it is of project 'q'", code=OTHER_PROJECT))),
        ControlClient(tmp_path / "s", project="p") as client,
        pytest.raises(DaemonUnreachable, match=r"project 'q'.*set another \[runtime\] dir") as said,
    ):
        client.ask("status")

    assert said.value.unreached is Unreached.OTHER


def hang_up(connection: socket.socket) -> None:
    line_of(connection)


BAD = {
    "it hangs up": (hang_up, "closed the connection"),
    "it speaks no JSON": (answering(b"hello\n"), "does not speak JSON"),
    "it speaks no UTF-8": (answering(b"\xff\n"), "does not speak JSON"),
    "it is something else": (answering(b"[]\n"), "no daemon of ccmux"),
}


@pytest.mark.parametrize(("script", "says"), BAD.values(), ids=BAD)
def test_a_bad_answer_is_no_answer_and_the_next_question_connects_anew(
    tmp_path: Path, script: Script, says: str
) -> None:
    with daemon(tmp_path / "s", script, answering(b'{"ok":true}\n')):
        client = ControlClient(tmp_path / "s")
        with pytest.raises(DaemonUnreachable, match=says):
            client.ask("status")
        assert client.ask("status") == {"ok": True}
        client.close()


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="No such file"):
        ControlClient(tmp_path / "s").ask("status")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / "s"))
    with pytest.raises(DaemonUnreachable, match=r"refused.*start it with `ccmux`"):
        ControlClient(tmp_path / "s").ask("status")
    with pytest.raises(DaemonUnreachable):
        EventStream(tmp_path / "s")


def test_a_daemon_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    given_up = threading.Event()

    def script(connection: socket.socket) -> None:
        given_up.wait(30)

    with daemon(tmp_path / "s", script), ControlClient(tmp_path / "s", timeout_s=0.05) as client:
        with pytest.raises(DaemonUnreachable, match=r"no answer in time\); it hangs") as said:
            client.ask("status")
        assert said.value.unreached is Unreached.SILENT
        given_up.set()


def test_who_knows_the_place_says_the_way_out(tmp_path: Path) -> None:
    asked: list[Unreached] = []

    def way_out(unreached: Unreached) -> str:
        asked.append(unreached)
        return "ask the porter"

    for ask in (
        lambda: ControlClient(tmp_path / "s", way_out=way_out).ask("status"),
        lambda: EventStream(tmp_path / "s", way_out=way_out),
    ):
        with pytest.raises(DaemonUnreachable, match=r"; ask the porter$"):
            ask()
    assert asked == [Unreached.NOBODY] * 2


def test_text_that_is_no_unicode_reaches_the_daemon_as_something_it_refuses(tmp_path: Path) -> None:
    asked = []

    def script(connection: socket.socket) -> None:
        asked.append(line_of(connection))
        connection.sendall(b'{"ok":true}\n')

    with daemon(tmp_path / "s", script), ControlClient(tmp_path / "s") as client:
        client.ask("send", message={"content": "\udcff"})
    assert isinstance(parse_request(asked[0]), str)


def test_events_come_in_order_however_they_are_cut(tmp_path: Path) -> None:
    asked = []

    def script(connection: socket.socket) -> None:
        asked.append(json.loads(line_of(connection)))
        for piece in (b'{"seq":1}\n{"seq":2}\n{"s', b'eq":3,"text":"' + b"x" * 200_000 + b'"}', b"\n"):
            connection.sendall(piece)
            until_read(connection)

    with daemon(tmp_path / "s", script), EventStream(tmp_path / "s", since=0, types=["turn"]) as stream:
        assert [stream.next(timeout_s=30)["seq"] for _ in range(3)] == [1, 2, 3]
        with pytest.raises(DaemonUnreachable, match="closed"):
            list(stream)
    assert asked == [{"since": 0, "types": ["turn"]}]


def test_a_stream_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    asked = []

    def first(connection: socket.socket) -> None:
        asked.append(json.loads(line_of(connection)))
        connection.sendall(b'{"seq":1,"type":"state"}\n')
        connection.sendall(b'{"type":"error","error":"too slow","resume_since":1}\n')

    def second(connection: socket.socket) -> None:
        asked.append(json.loads(line_of(connection)))
        connection.sendall(b'{"seq":2,"type":"state"}\n{"type":"error","error":"bad types"}\n')

    with daemon(tmp_path / "s", first, second), EventStream(tmp_path / "s") as stream:
        assert [stream.next(timeout_s=30)["seq"] for _ in range(2)] == [1, 2]
        with pytest.raises(DaemonUnreachable, match="bad types"):
            stream.next(timeout_s=30)
    assert asked == [{}, {"since": 1}]


def test_waiting_for_an_event_ends_in_time_and_loses_nothing(tmp_path: Path) -> None:
    timed_out = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(b'{"seq":')
        timed_out.wait(30)
        connection.sendall(b"1}\n")
        line_of(connection)

    with daemon(tmp_path / "s", script), EventStream(tmp_path / "s") as stream:
        with pytest.raises(TimeoutError):
            stream.next(timeout_s=0.05)
        with pytest.raises(TimeoutError):
            stream.next(timeout_s=0)
        timed_out.set()
        assert stream.next(timeout_s=30) == {"seq": 1}


def test_a_spooled_message_is_one_file_of_ours_alone_in_order_of_time(tmp_path: Path) -> None:
    spool = tmp_path / "data" / "ccmux" / "p" / "spool"
    files = [spool_message(spool, {"content": f"é\n{number}", "id": "k"}) for number in range(3)]
    assert sorted(spool.iterdir()) == files
    assert [json.loads(file.read_bytes())["content"] for file in files] == ["é\n0", "é\n1", "é\n2"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    folders = (spool, *list(spool.parents)[:3])
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_a_message_that_cannot_be_spooled_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        spool_message(tmp_path / "file" / "spool", {"content": "x"})


def test_a_message_whose_file_cannot_get_its_name_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        spool_message(tmp_path, {"content": "x"})
    assert list(tmp_path.iterdir()) == []
