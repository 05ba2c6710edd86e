"""A question to a program ends, whatever the program does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from ccmux.ask_program import ask_program

ENVIRONMENT = {"PATH": os.environ["PATH"], "SAID": "é"}


def ask(script: str, limit_s: float = 30.0) -> tuple[int | None, str, str]:
    answer = ask_program(["sh", "-c", script], environment=ENVIRONMENT, limit_s=limit_s)
    return answer.exit_code, answer.out, answer.failure


def test_what_it_says_comes_back() -> None:
    assert ask("cat; echo $SAID") == (0, "é\n", "")


def test_what_it_is_given_it_reads_and_bytes_come_back_as_they_are() -> None:
    answer = ask_program(["cat"], environment=ENVIRONMENT, limit_s=30, given=b"a\r\n\xff\0" * 100_000)
    assert (answer.exit_code, answer.raw) == (0, b"a\r\n\xff\0" * 100_000)
    assert answer.out[:4] == "a\r\n\ufffd"


def test_one_that_does_not_read_what_it_is_given_answers_all_the_same() -> None:
    answer = ask_program(["echo", "done"], environment=ENVIRONMENT, limit_s=30, given=b"x" * 1_000_000)
    assert (answer.exit_code, answer.out) == (0, "done\n")


def test_a_failure_is_told_in_its_last_words_or_its_code() -> None:
    assert ask("echo first >&2; echo last >&2; exit 3") == (3, "", "last")
    assert ask("exit 4") == (4, "", "exit code 4")


def test_a_program_that_is_not_there_is_no_answer() -> None:
    answer = ask_program(["/nowhere/x"], environment=ENVIRONMENT, limit_s=30)
    assert (answer.exit_code, answer.failure) == (None, "No such file or directory")
    assert answer.is_missing


def test_a_program_that_may_not_be_started_is_no_answer_but_there(tmp_path: Path) -> None:
    answer = ask_program([str(tmp_path)], environment=ENVIRONMENT, limit_s=30)
    assert (answer.exit_code, answer.failure, answer.is_missing) == (None, "Permission denied", False)


def test_it_is_asked_where_we_say_and_its_files_are_closed_as_we_say(tmp_path: Path) -> None:
    argv = ["sh", "-c", "pwd; : >made"]
    answer = ask_program(argv, environment=ENVIRONMENT, limit_s=30, cwd=tmp_path, umask=0o077)
    assert answer.out == f"{tmp_path}\n"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_one_that_hangs_ends_with_its_children_at_the_limit(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    answer = ask(f"sleep 1000 & echo $! > {pid}; wait", limit_s=0.5)
    assert answer == (None, "", "no answer within 0.5 s")
    assert has_ended(int(pid.read_text()))


CUT = """
import sys
from ccmux.ask_program import ask_program
ask_program(["sh", "-c", sys.argv[1]], limit_s=1000)
"""


def test_one_that_is_asked_when_we_are_cut_ends_with_us(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"sleep 1000 & echo $! > {pid}.new; mv {pid}.new {pid}; wait"
    with subprocess.Popen([sys.executable, "-c", CUT, script], stderr=subprocess.DEVNULL) as asking:
        while not pid.exists():
            assert asking.poll() is None
        asking.send_signal(signal.SIGINT)
        assert asking.wait(20) == -signal.SIGINT
    assert has_ended(int(pid.read_text()))


def has_ended(pid: int) -> bool:
    try:
        # Nobody may have collected it yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_child_that_went_away_with_the_pipes_is_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    answer = ask(f"setsid sleep 1000 & echo $! > {pid}; wait", limit_s=0.5)
    assert answer == (None, "", "no answer within 0.5 s")
    os.kill(int(pid.read_text()), signal.SIGKILL)  # it is there still
