"""Bytes on their way from a pipe to the store: kill -9 at any step is a copy of the file as it is then."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.drivers.input_fifos import landing as module
from ccmux.drivers.input_fifos.landing import COMPACT_ABOVE_BYTES, PIPE_BYTES, Landing
from ccmux.ports import ReadTo

KEEP_BYTES = 100


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe2(os.O_NONBLOCK)
    fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "in", keep_bytes=KEEP_BYTES)


def after_kill(landing: Landing, tmp_path: Path, read_to: ReadTo | None = None) -> bytes:
    """Return what a daemon would take that starts now."""
    copy = tmp_path / "copy"
    copy.write_bytes((tmp_path / "in").read_bytes())
    return Landing(copy, keep_bytes=KEEP_BYTES).unread(read_to)


def test_the_file_is_private_and_an_empty_pipe_is_said(
    landing: Landing, tmp_path: Path, pipe: tuple[int, int]
) -> None:
    assert stat.S_IMODE((tmp_path / "in").stat().st_mode) == 0o600
    with pytest.raises(BlockingIOError):
        landing.take(pipe[0])
    assert after_kill(landing, tmp_path) == b""


def test_what_was_taken_is_there_after_a_kill_until_it_is_done(
    landing: Landing, tmp_path: Path, pipe: tuple[int, int]
) -> None:
    for text in (b"one\ntw", b"o\nthree"):
        os.write(pipe[1], text)
        assert landing.take(pipe[0]) == text
    assert after_kill(landing, tmp_path) == b"one\ntwo\nthree"
    assert after_kill(landing, tmp_path, ReadTo(landing.stream, 4)) == b"two\nthree"
    assert after_kill(landing, tmp_path, ReadTo("of another run", 4)) == b"one\ntwo\nthree"
    assert after_kill(landing, tmp_path, ReadTo(landing.stream, landing.end)) == b""
    landing.done(8, all_handed_out=True)
    assert after_kill(landing, tmp_path, ReadTo(landing.stream, 8)) == b"three"
    old = ReadTo(landing.stream, landing.end)
    landing.done(landing.end, all_handed_out=True)
    assert (tmp_path / "in").stat().st_size == 0
    os.write(pipe[1], b"four\n" * 10)
    landing.take(pipe[0])
    assert after_kill(landing, tmp_path, old) == b"four\n" * 10


def test_a_pipeful_is_taken_at_once(landing: Landing, pipe: tuple[int, int]) -> None:
    data = os.urandom(PIPE_BYTES)
    assert os.write(pipe[1], data) == PIPE_BYTES
    assert landing.take(pipe[0]) == data
    assert landing.end == PIPE_BYTES


def test_a_line_can_be_ended_for_a_writer(landing: Landing, tmp_path: Path, pipe: tuple[int, int]) -> None:
    assert landing.end_line() == b"\n"
    os.write(pipe[1], b"a")
    landing.take(pipe[0])
    landing.end_line()
    assert after_kill(landing, tmp_path) == b"\na\n"


def test_what_never_ends_with_a_line_does_not_grow_for_ever(
    landing: Landing, tmp_path: Path, pipe: tuple[int, int]
) -> None:
    block = b"x" * (PIPE_BYTES - 1) + b"\n"
    for _ in range(COMPACT_ABOVE_BYTES // PIPE_BYTES):
        os.write(pipe[1], block)
        landing.take(pipe[0])
    os.write(pipe[1], b"begun")
    landing.take(pipe[0])
    old = ReadTo(landing.stream, landing.end - 5)
    landing.done(old.offset, all_handed_out=False)
    assert after_kill(landing, tmp_path, old) == b"begun"
    landing.done(old.offset, all_handed_out=True)
    assert (landing.end, (tmp_path / "in").stat().st_size) == (5, 32 + 5)
    assert after_kill(landing, tmp_path, old) == b"begun"
    os.write(pipe[1], b" and ended\n")
    assert landing.take(pipe[0]) == b" and ended\n"
    assert after_kill(landing, tmp_path, old) == b"begun and ended\n"
    assert not (tmp_path / ".in").exists()


def test_of_a_line_without_end_only_the_beginning_is_kept(landing: Landing, pipe: tuple[int, int]) -> None:
    for _ in range(COMPACT_ABOVE_BYTES // PIPE_BYTES + 1):
        os.write(pipe[1], b"x" * PIPE_BYTES)
        landing.take(pipe[0])
    landing.done(0, all_handed_out=True)
    assert landing.end == KEEP_BYTES


def test_closed_in_order_it_outlives_a_reboot_and_after_a_crash_it_does_not(
    landing: Landing, tmp_path: Path, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.write(pipe[1], b"begun")
    landing.take(pipe[0])
    crashed = (tmp_path / "in").read_bytes()
    landing.close()
    monkeypatch.setattr(module, "_boot", lambda: b"the next boot id")
    again = Landing(tmp_path / "in", keep_bytes=KEEP_BYTES)
    assert again.unread(None) == b"begun"
    (tmp_path / "crashed").write_bytes(crashed)
    assert Landing(tmp_path / "crashed", keep_bytes=KEEP_BYTES).unread(None) == b""


def test_an_empty_one_goes_when_it_is_closed(landing: Landing, tmp_path: Path) -> None:
    landing.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"\0" * 20, b"\xff" * 40])
def test_a_file_that_is_none_of_ours_is_begun_anew(
    tmp_path: Path, pipe: tuple[int, int], damage: bytes
) -> None:
    (tmp_path / "in").write_bytes(damage)
    landing = Landing(tmp_path / "in", keep_bytes=KEEP_BYTES)
    assert landing.unread(None) == b""
    os.write(pipe[1], b"a\n")
    assert landing.take(pipe[0]) == b"a\n"
    assert after_kill(landing, tmp_path) == b"a\n"


def test_a_file_system_that_cannot_splice_is_written_to(
    landing: Landing, tmp_path: Path, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_named: object) -> int:
        raise OSError(errno.EINVAL, "no splice")

    monkeypatch.setattr(os, "splice", refuse)
    os.write(pipe[1], b"a\nb")
    assert landing.take(pipe[0]) == b"a\nb"
    assert after_kill(landing, tmp_path) == b"a\nb"


def test_what_finds_no_place_on_the_disk_stays_in_the_pipe(
    landing: Landing, tmp_path: Path, pipe: tuple[int, int]
) -> None:
    os.write(pipe[1], b"0123456789\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (36, limits[1]))
    try:
        assert landing.take(pipe[0]) == b"0123"
        with pytest.raises(OSError, match="too large"):
            landing.take(pipe[0])
        with pytest.raises(OSError, match="too large"):
            landing.end_line()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert landing.take(pipe[0]) == b"456789\n"
    assert after_kill(landing, tmp_path) == b"0123456789\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        Landing(tmp_path / "in", keep_bytes=KEEP_BYTES)
    assert not (tmp_path / "elsewhere").exists()
