"""A look into the database writes nothing, waits for nobody, and finds what is damaged."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from ccmux.core.doctor.database import judge_database
from ccmux.drivers.sqlite.checkup import check_up, last_claude
from ccmux.drivers.sqlite.schema import MIGRATIONS, open_database

MESSAGE = "INSERT INTO message (channel, content, ts, meta, attachments, state, changed_at) VALUES"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ccmux.db"


def filled(path: Path, messages: int = 2) -> sqlite3.Connection:
    db = open_database(path)
    db.execute("BEGIN")
    db.execute("INSERT INTO event (ts, type, line) VALUES (5.5, 'state', x'7b7d')")
    for _ in range(messages):
        db.execute(f"{MESSAGE} ('a', '{'text ' * 100}', 1, '{{}}', '[]', 'queued', 1)")
    db.execute(f"{MESSAGE} ('a', 'b', 1, '{{}}', '[]', 'dead', 1)")
    db.execute(f"{MESSAGE} ('a', 'b', 1, '{{}}', '[]', 'dead', 1)")
    db.execute("UPDATE message SET dropped_at = 2 WHERE id = (SELECT max(id) FROM message)")
    db.execute("COMMIT")
    return db


def test_none_is_told_as_none(path: Path) -> None:
    assert check_up(path) is None


def test_a_sound_one_tells_its_schema_and_what_waits_also_beside_a_writer(path: Path) -> None:
    with closing(filled(path)) as db:
        db.execute("INSERT INTO pause VALUES (1)")
        db.execute("BEGIN IMMEDIATE")  # a writer in the midst of it
        found = check_up(path)
        db.execute("ROLLBACK")
    assert found is not None
    assert (found.failure, found.damage, found.checked) == ("", "", True)
    assert (found.schema, found.newest_event) == (len(MIGRATIONS), 5.5)
    assert (dict(found.counts), found.paused) == ({"queued": 2, "dead": 1}, True)
    assert found.bytes > path.stat().st_size, "the write-ahead log belongs to it"


def test_one_that_nobody_has_open_is_read_and_left_as_it_was(path: Path) -> None:
    filled(path).close()
    before = path.read_bytes()
    found = check_up(path)
    assert found is not None
    assert found.failure == ""
    assert path.read_bytes() == before
    assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}


def test_what_a_killed_daemon_left_in_the_log_is_read_and_left_there(path: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed" / "ccmux.db"
    killed.parent.mkdir()
    with closing(filled(path)):
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{killed}{suffix}")
    log = killed.with_name("ccmux.db-wal")
    before = (killed.read_bytes(), log.read_bytes())
    found = check_up(killed)
    assert found is not None
    assert found.counts["queued"] == 2
    assert (killed.read_bytes(), log.read_bytes()) == before


def test_damage_is_found(path: Path) -> None:
    filled(path, messages=400).close()
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 40_000] = b"\xff" * 40_000
    path.write_bytes(raw)
    found = check_up(path)
    assert found is not None
    assert (found.damage != "", found.failure) == (True, "")


def test_what_is_no_database_cannot_be_read(path: Path) -> None:
    path.write_bytes(b"no database at all " * 100)
    found = check_up(path)
    assert found is not None
    assert "not a database" in found.damage


def test_what_cannot_be_read_is_not_called_damaged(path: Path) -> None:
    path.mkdir()
    (path.parent / "ccmux-schema-3.db").touch()
    found = check_up(path)
    assert found is not None
    assert (found.failure, found.way_out, found.damage) == ("disk I/O error", "look at the disk", "")
    assert len(found.backups) == 1


def test_a_check_that_takes_too_long_is_left(path: Path) -> None:
    with closing(filled(path, messages=5_000)):
        found = check_up(path, check_s=0)
    assert found is not None
    assert (found.checked, found.damage, found.counts["queued"]) == (False, "", 5_000)


def test_an_older_schema_is_told_without_what_it_lacks(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 1")
    found = check_up(path)
    assert found is not None
    assert (found.schema, found.newest_event, found.paused, found.failure) == (1, None, False, "")


def test_backups_are_found_newest_first(path: Path) -> None:
    filled(path).close()
    (path.parent / "ccmux-schema-3.db").touch()
    found = check_up(path)
    assert found is not None
    assert found.backups == {str(path.parent / "ccmux-schema-3.db"): 3}


def test_the_doctors_way_out_moves_the_damaged_one_and_its_log_away(path: Path) -> None:
    filled(path).close()
    backup = path.with_name("ccmux-schema-3.db")
    shutil.copy(path, backup)
    path.write_bytes(b"no database at all " * 100)
    log = path.with_name("ccmux.db-wal")
    log.write_bytes(b"left by a kill")
    [found] = judge_database(check_up(path), schema=len(MIGRATIONS))
    begins, _, back = found.finding.mend.partition("; then start ccmux")
    for command in (begins.removeprefix("ccmux stop; "), f"cp {back.partition(': cp ')[2]}"):
        subprocess.run(["sh", "-c", command], check=True)
    assert not log.exists()
    assert (path.parent / "damaged/ccmux.db-wal").read_bytes() == b"left by a kill"
    assert path.read_bytes() == backup.read_bytes()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], None),
        (['{"event":"started","pid":7}'], (7, 9.5)),
        (['{"event":"started","pid":7}', '{"event":"resumed","pid":8,"lost":null}'], (8, 9.5)),
        (['{"event":"started","pid":7}', '{"event":"crashed","pid":7}'], None),
        (['{"event":"started","pid":null}'], None),
        (["no JSON"], None),
    ],
)
def test_the_claude_that_was_started_last_is_told_until_it_ended(
    path: Path, lines: list[str], told: tuple[int, float] | None
) -> None:
    assert last_claude(path) is None
    with closing(filled(path)) as db:
        for line in lines:
            db.execute("INSERT INTO event (ts, type, line) VALUES (9.5, 'claude', ?)", (line.encode(),))
        assert last_claude(path) == told


def test_what_is_no_database_knows_no_claude(path: Path) -> None:
    path.write_bytes(b"no database" * 1_000)
    assert last_claude(path) is None
