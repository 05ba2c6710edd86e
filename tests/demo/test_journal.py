from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ccmux.demo.journal import INTERRUPTED, Registry, Transcript, new_id, transcript_path

ID = "11111111-2222-4333-8444-555555555555"


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def make(home: Path) -> Transcript:
    return Transcript(home, "/a/b_c.d", ID, "default")


def test_ids_are_random_uuids() -> None:
    ids = {new_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", i) for i in ids
    )


def test_the_folder_is_named_after_the_working_directory() -> None:
    assert transcript_path(Path("/h"), "/a/b_c.d", ID) == Path(f"/h/projects/-a-b-c-d/{ID}.jsonl")


def test_the_first_record_makes_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    transcript = make(tmp_path)
    assert not transcript.path.exists()
    transcript.prompt("hi\u2028", "p1", "typed")
    assert transcript.path.stat().st_mode & 0o777 == 0o600
    folders = [tmp_path / "projects", transcript.path.parent]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]
    assert [record["type"] for record in records(transcript.path)] == ["mode", "permission-mode", "user"]


def test_records_are_a_chain_that_goes_on_after_a_crash(tmp_path: Path) -> None:
    transcript = make(tmp_path)
    transcript.prompt("hi", "p1", "typed")
    transcript.said({"type": "text", "text": "yes"}, "m1", "end_turn", 3)
    with transcript.path.open("a") as file:
        file.write('{"half')
    again = make(tmp_path)
    assert len(again.resume()) == 4
    again.prompt("more", "p2", "typed")
    chained = [record for line in transcript.path.read_bytes().splitlines() if b"half" not in line
               for record in [json.loads(line)] if "uuid" in record]  # fmt: skip
    assert [record["parentUuid"] for record in chained] == [None, chained[0]["uuid"], chained[1]["uuid"]]
    assert chained[2]["turnPosition"]["turnIndex"] == 2


def test_an_unanswered_prompt_gets_a_remark_at_resume(tmp_path: Path) -> None:
    transcript = make(tmp_path)
    transcript.prompt("hi", "p1", "typed")
    make(tmp_path).resume()
    last = records(transcript.path)[-1]
    assert last["message"]["content"] == [{"type": "text", "text": "No response requested."}]
    assert last["isApiErrorMessage"] is False


def test_a_prompt_that_was_put_back_is_passed_over(tmp_path: Path) -> None:
    transcript = make(tmp_path)
    transcript.prompt("one", "p1", "typed")
    transcript.withdraw()
    transcript.prompt("two", "p2", "typed")
    transcript.interrupted("p2", INTERRUPTED)
    users = [record for record in records(transcript.path) if record["type"] == "user"]
    assert [user["parentUuid"] for user in users] == [None, None, users[1]["uuid"]]


def test_the_summary_of_stop_hooks_is_there_only_where_some_ran(tmp_path: Path) -> None:
    transcript = make(tmp_path)
    transcript.turn_over([], 5)
    transcript.turn_over(["x"], 5)
    subtypes = [record["subtype"] for record in records(transcript.path) if record["type"] == "system"]
    assert subtypes == ["turn_duration", "stop_hook_summary", "turn_duration"]


def test_the_registry_follows_status_and_session(tmp_path: Path) -> None:
    registry = Registry(tmp_path, "/a", ID)
    path = tmp_path / "sessions" / f"{os.getpid()}.json"
    first = json.loads(path.read_text())
    assert (first["pid"], first["sessionId"], first["status"]) == (os.getpid(), ID, "idle")
    stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    assert first["procStart"] == stat[19]
    registry.status("waiting", "permission prompt")
    waiting = json.loads(path.read_text())
    assert (waiting["status"], waiting["waitingFor"]) == ("waiting", "permission prompt")
    registry.status("idle")
    registry.session("other")
    last = json.loads(path.read_text())
    assert "waitingFor" not in last
    assert last["sessionId"] == "other"
    registry.remove()
    registry.remove()
    assert not path.exists()
