"""A file of events: whole lines, in order, rotated, for its owner alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccmux.drivers.event_log import EventLogFile


def lines(folder: Path) -> list[str]:
    """Return all that is kept, oldest first."""
    files = sorted(folder.glob("log*"), key=lambda path: -int(path.suffix[1:] or 0) if path.suffix else 0)
    return [line for path in files for line in path.read_text().splitlines()]


def test_lines_are_written_and_gone_on_with(tmp_path: Path) -> None:
    for number in range(2):
        log = EventLogFile(tmp_path / "log")
        log.write(b"%d a\n%d b\n" % (number, number))
        log.close()
    assert lines(tmp_path) == ["0 a", "0 b", "1 a", "1 b"]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_it_is_rotated_between_lines_and_the_oldest_goes(tmp_path: Path) -> None:
    for number in range(60):
        log = EventLogFile(tmp_path / "log", file_bytes=100, files_kept=2)
        log.write(b"%09d\n" % number)
        log.close()
    kept = [int(line) for line in lines(tmp_path)]
    assert kept == list(range(kept[0], 60))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_what_is_too_much_is_left_out_and_counted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    log = EventLogFile(tmp_path / "log", waiting_bytes=100_000)
    line = b"x" * 999 + b"\n"
    for _ in range(1_000):
        log.write(line)  # nobody reads: a pipe's content is written, and so much waits
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as file:
        got = 0
        while (said := file.readline()) == line:
            got += 1
        log.close()
    assert json.loads(said) == {"type": "left_out", "lines": 1_000 - got}


def test_a_disk_that_is_full_is_said_and_no_reason_to_end(tmp_path: Path) -> None:
    with capture_logs() as logs:
        log = EventLogFile(Path("/dev/full"))
        log.write(b"x\n")
        log.close()
    assert [(entry["event"], entry["reason"]) for entry in logs] == [
        ("events not logged", "No space left on device")
    ]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        EventLogFile(tmp_path / "log")
