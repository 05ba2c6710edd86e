"""What is appended to a transcript is read once, whole lines only, whatever becomes of the file."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.drivers.growing_files import TranscriptFiles
from ccmux.ports import Position

DULL = b'{"type":"api-request-blob","x":"'


class Reader:
    """Somebody who reads a file again and again."""

    def __init__(self, path: Path, **limits: int) -> None:
        self.path = path
        self.files = TranscriptFiles(**limits)
        self.position = Position()
        self.lines: list[bytes] = []
        self.again = 0

    def read(self) -> list[bytes]:
        new: list[bytes] = []
        for piece in self.files.grown(str(self.path), self.position):
            if piece.again:
                self.again += 1
                self.lines = []
            self.position = piece.position
            new += piece.lines
        self.lines += new
        return new


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "t")
    assert reader.read() == []
    append(reader.path, b"one\ntwo\n")
    assert reader.read() == [b"one", b"two"]
    assert reader.read() == []
    append(reader.path, b"\nthree\n")
    assert reader.read() == [b"", b"three"]


def test_a_half_line_is_left_until_it_is_whole(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "t", chunk_bytes=4)
    append(reader.path, b"one\nhalf of a li")
    assert reader.read() == [b"one"]
    assert reader.position.offset == 4
    append(reader.path, b"ne")
    assert reader.read() == []
    append(reader.path, b"\n")
    assert reader.read() == [b"half of a line"]


def test_a_file_that_was_cut_or_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "t")
    append(reader.path, b"one\ntwo\n")
    reader.read()
    os.truncate(reader.path, 4)
    assert reader.read() == [b"one"]
    reader.path.write_bytes(b"another file that is longer than the one before\n")
    assert reader.read() == [b"another file that is longer than the one before"]
    assert reader.again == 2
    moved = tmp_path / "new"
    moved.write_bytes(reader.path.read_bytes() + b"more\n")
    moved.rename(reader.path)
    assert reader.read() == [b"more"], "the same content under another inode is the same file"


def test_a_line_that_cannot_matter_is_not_kept(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "t", chunk_bytes=600)
    append(reader.path, DULL + b"x" * 5_000 + b'"}\nafter\n')
    assert reader.read() == [b"after"]


def test_a_line_that_is_too_long_is_skipped_also_across_lives(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "t", chunk_bytes=8, max_line_bytes=20)
    append(reader.path, b"one\n" + b"x" * 50)
    assert reader.read() == [b"one"]
    assert reader.position.skipping
    append(reader.path, b"x" * 50 + b"\nafter\n")
    assert reader.read() == [b"after"]
    assert not reader.position.skipping


def test_what_is_no_file_of_lines_is_not_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    files = TranscriptFiles()
    for path in (str(tmp_path), str(tmp_path / "fifo"), str(tmp_path / "none"), "", "a\0b"):
        assert list(files.grown(path, Position())) == []
        assert files.changed_at(path) is None
    (tmp_path / "t").write_bytes(b"")
    assert files.changed_at(str(tmp_path / "t")) == (tmp_path / "t").stat().st_mtime


def test_subagents_write_beside_their_session(tmp_path: Path) -> None:
    folder = tmp_path / "s1" / "subagents"
    folder.mkdir(parents=True)
    for name in ("agent-b.jsonl", "agent-a.jsonl", "agent-a.meta.json"):
        (folder / name).touch()
    found = TranscriptFiles().below(str(tmp_path / "s1.jsonl"))
    assert [Path(one).name for one in found] == ["agent-a.jsonl", "agent-b.jsonl"]
    assert TranscriptFiles().below(str(tmp_path / "s2.jsonl")) == []


@given(
    lines=st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=12),
    cuts=st.lists(st.integers(0, 400), max_size=5),
    chunk_bytes=st.integers(1, 40),
    half=st.binary(max_size=10).filter(lambda line: b"\n" not in line),
)
def test_however_it_is_written_and_read_the_lines_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    cuts: list[int],
    chunk_bytes: int,
    half: bytes,
) -> None:
    whole = b"".join(line + b"\n" for line in lines) + half
    reader = Reader(tmp_path_factory.mktemp("grown") / "t", chunk_bytes=chunk_bytes)
    at = 0
    for cut in [*sorted(cuts), len(whole)]:
        append(reader.path, whole[at:cut])
        at = max(at, min(cut, len(whole)))
        reader.read()
    assert reader.lines == lines
    assert reader.again == 0
