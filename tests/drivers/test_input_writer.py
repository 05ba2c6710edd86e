"""One line into an input FIFO: real FIFOs."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccmux.drivers.input_writer import write_line

LINE = b'{"content":"x"}\n'
SOON_S, LATE_S = 0.01, 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir(mode=0o700)
    return path


@contextmanager
def reading(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield handle
    finally:
        os.close(handle)


def test_a_line_arrives_whole(folder: Path) -> None:
    os.mkfifo(folder / "in.selfcheck", 0o600)
    with reading(folder / "in.selfcheck") as reader:
        assert write_line(folder, "in.selfcheck", LINE, limit_s=SOON_S) == ""
        assert os.read(reader, 4_096) == LINE


def test_a_fifo_that_is_missing_is_made_for_its_owner_alone(folder: Path) -> None:
    assert write_line(folder, "in.selfcheck", LINE, limit_s=SOON_S).endswith("in.selfcheck: nobody reads it")
    made = (folder / "in.selfcheck").lstat()
    assert stat.S_ISFIFO(made.st_mode)
    assert stat.S_IMODE(made.st_mode) == 0o600


def test_a_reader_that_comes_late_is_waited_for(folder: Path) -> None:
    path = folder / "in.selfcheck"
    with ThreadPoolExecutor(1) as thread:
        written = thread.submit(write_line, folder, "in.selfcheck", LINE, limit_s=LATE_S)
        while not path.exists():
            pass
        with path.open("rb") as reader:
            assert reader.readline() == LINE
        assert written.result(LATE_S) == ""


def test_a_full_pipe_takes_nothing_of_it(folder: Path) -> None:
    path = folder / "in.selfcheck"
    os.mkfifo(path, 0o600)
    with reading(path) as reader:
        size = fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4_096)
        writer = os.open(path, os.O_WRONLY)
        os.write(writer, b"x" * (size - 1))
        os.close(writer)
        assert write_line(folder, "in.selfcheck", LINE, limit_s=SOON_S).endswith("it is full")
        assert os.read(reader, 2 * size) == b"x" * (size - 1)


def test_a_line_that_could_be_torn_is_not_written(folder: Path) -> None:
    assert write_line(folder, "in.selfcheck", b"x" * 4_097, limit_s=SOON_S) == (
        "it has 4097 bytes, a pipe takes 4096 whole"
    )


def test_a_folder_that_never_comes_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    said = write_line(tmp_path / "run", "in.selfcheck", LINE, limit_s=SOON_S)
    assert said.endswith("in.selfcheck: No such file or directory")


def test_nothing_is_written_where_others_reach_in(folder: Path) -> None:
    folder.chmod(0o755)
    assert (
        write_line(folder, "in.selfcheck", LINE, limit_s=LATE_S) == f"{folder} is not a folder of yours alone"
    )
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "says"),
    [(0o600, "no FIFO; remove it and use mkfifo"), (0o666, "others can read or write it")],
)
def test_what_is_no_fifo_of_ours_is_left_alone(folder: Path, mode: int, says: str) -> None:
    path = folder / "in.selfcheck"
    if mode == 0o600:
        path.write_bytes(b"a file")
    else:
        os.mkfifo(path)
    path.chmod(mode)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        said = write_line(folder, "in.selfcheck", LINE, limit_s=LATE_S)
    finally:
        os.close(reader)
    assert said == f"{path}: {says}"


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "in.selfcheck").symlink_to(folder / "elsewhere")
    assert "symbolic links" in write_line(folder, "in.selfcheck", LINE, limit_s=LATE_S)
