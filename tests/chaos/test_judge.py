"""The judge sees what is lost, doubled and out of order, on the way in and on the way out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.judge import Verdict, judge
from tests.chaos.writer import token

A, B, C = (token("a", number) for number in range(3))


def call(mark: str, *, ok: bool = True) -> list[str]:
    use = {"type": "tool_use", "id": f"call-{mark}", "input": {"message": mark}}
    answer = {"type": "tool_result", "tool_use_id": f"call-{mark}", "content": "ok" if ok else "Error: no"}
    return [json.dumps({"message": {"content": [block]}}) for block in (use, answer)]


def judged(
    folder: Path,
    *,
    prompts: Sequence[str] = (),
    ledger: Sequence[str] = (),
    calls: Sequence[str] = (),
    out: Sequence[tuple[str, str]] = (),
    events: Sequence[dict[str, Any]] = (),
) -> Verdict:
    (folder / "ledger").write_text("".join(f"{line}\n" for line in ledger))
    (folder / "t.jsonl").write_text("".join(f"{line}\n" for line in calls))
    lines = [json.dumps({"id": id_, "message": mark}) for id_, mark in out]
    (folder / "out").write_text("\n".join(["", *lines, ""]))
    db = sqlite3.connect(folder / "db")
    db.execute("CREATE TABLE message (id, content, state)")
    db.executemany("INSERT INTO message VALUES (?, ?, 'answered')", [(1, f"x {A}"), (2, B)])
    db.commit()
    db.close()
    return judge(
        faults={"0": "quiet", "1": "loud"},
        ledgers=[folder / "ledger"],
        prompts=prompts,
        transcripts=[folder / "t.jsonl"],
        out_ledger=folder / "out",
        database=folder / "db",
        events=events,
    )


SENT = [line for mark in (A, B) for line in (f"try 0 {mark}", f"sent 0 {mark}")]


def test_all_is_well(tmp_path: Path) -> None:
    prompts = [f"[10:00 a] {A}\n[10:00 a] {B}"]
    verdict = judged(tmp_path, ledger=SENT, prompts=prompts, calls=call(A), out=[("1", A)])
    assert verdict.is_good
    assert (verdict.rows["quiet"].sent, verdict.rows["quiet"].received, verdict.rows["quiet"].answered) == (
        2,
        2,
        2,
    )


def test_what_was_sent_and_never_asked_is_lost(tmp_path: Path) -> None:
    verdict = judged(tmp_path, ledger=[*SENT, f"try 1 {C}", f"sent 1 {C}"], prompts=[A, B])
    assert len(verdict.rows["loud"].lost) == 1
    assert "never received" in verdict.rows["loud"].lost[0]
    assert not verdict.is_good
    assert C in verdict.table()


def test_what_was_only_tried_may_be_missing(tmp_path: Path) -> None:
    assert judged(tmp_path, ledger=[*SENT, f"try 1 {C}"], prompts=[A, B]).is_good


def test_what_was_asked_twice_is_doubled(tmp_path: Path) -> None:
    verdict = judged(tmp_path, ledger=SENT, prompts=[A, f"{B} {A}"])
    assert (len(verdict.rows["quiet"].doubled), verdict.is_good) == (1, False)


def test_what_was_asked_behind_a_later_one_is_disordered(tmp_path: Path) -> None:
    verdict = judged(tmp_path, ledger=SENT, prompts=[B, A])
    assert (verdict.rows["quiet"].disordered, verdict.is_good) == ([A], False)


def test_a_line_that_no_reader_got_is_lost_if_the_call_was_answered_with_ok(tmp_path: Path) -> None:
    verdict = judged(tmp_path, ledger=SENT, prompts=[A, B], calls=[*call(A), *call(B, ok=False)])
    assert (verdict.rows["quiet"].out_lost, verdict.is_good) == ([A], False)


def test_the_same_line_again_is_told_and_another_line_is_wrong(tmp_path: Path) -> None:
    out = [("1", A), ("1", A), ("2", B), ("3", B)]
    verdict = judged(tmp_path, ledger=SENT, prompts=[A, B], calls=[*call(A), *call(B)], out=out)
    row = verdict.rows["quiet"]
    assert (row.out_repeated, row.out_doubled, verdict.is_good) == ([A], [B], False)


def test_a_gap_in_the_events_or_a_turn_told_twice_is_wrong(tmp_path: Path) -> None:
    turn = {"type": "turn", "prompt_id": "p"}
    events = [{"seq": 1} | turn, {"seq": 3} | turn]
    assert len(judged(tmp_path, ledger=SENT, prompts=[A, B], events=events).wrong) == 2
