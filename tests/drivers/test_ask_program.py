"""A question to a program ends, whatever the program does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from ccmux.drivers.ask_program import ask_program

ENVIRONMENT = {"PATH": os.environ["PATH"], "SAID": "é"}


def ask(script: str, limit_s: float = 30.0) -> tuple[int | None, str, str]:
    answer = ask_program(["sh", "-c", script], environment=ENVIRONMENT, limit_s=limit_s)
    return answer.exit_code, answer.out, answer.failure


def test_what_it_says_comes_back() -> None:
    assert ask("cat; echo $SAID") == (0, "é\n", "")


def test_a_failure_is_told_in_its_last_words_or_its_code() -> None:
    assert ask("echo first >&2; echo last >&2; exit 3") == (3, "", "last")
    assert ask("exit 4") == (4, "", "exit code 4")


def test_a_program_that_is_not_there_is_no_answer() -> None:
    answer = ask_program(["/nowhere/x"], environment=ENVIRONMENT, limit_s=30)
    assert (answer.exit_code, answer.failure) == (None, "No such file or directory")


def test_one_that_hangs_ends_with_its_children_at_the_limit(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    answer = ask(f"sleep 1000 & echo $! > {pid}; wait", limit_s=0.5)
    assert answer == (None, "", "no answer within 0.5 s")
    child = int(pid.read_text())
    try:
        os.kill(child, 0)
    except ProcessLookupError:
        return
    # Nobody has collected it yet; it has ended all the same.
    stat = Path(f"/proc/{child}/stat").read_text()
    assert stat.rpartition(")")[2].split()[0] in {"Z", "X"}, signal.Signals(9)


def test_a_child_that_went_away_with_the_pipes_is_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    answer = ask(f"setsid sleep 1000 & echo $! > {pid}; wait", limit_s=0.5)
    assert answer == (None, "", "no answer within 0.5 s")
    os.kill(int(pid.read_text()), signal.SIGKILL)  # it is there still
