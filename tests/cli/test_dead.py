"""`ccmux dead`: the real program and a scripted daemon."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from typing import Any

import pytest

from ccmux.cli import dead
from ccmux.core.control import answer, refusal
from tests.cli.conftest import PROGRAM, Project, kind

BYTES = b"\xff\x00{not json\r"
LETTER = {
    "id": 7,
    "channel": "tg",
    "at": 5.0,
    "reason": "not valid UTF-8: byte 0xff",
    "key": None,
    "kind": "line",
    "bytes": len(BYTES),
    "whole_bytes": len(BYTES),
    "content": "\ufffd\x1b[2J{not json",
}


def daemon(request: dict[str, Any]) -> bytes:
    match request:
        case {"op": "dead"}:
            return answer(letters=[LETTER])
        case {"op": "letter", "id": 7}:
            return answer(letter={**LETTER, "verbatim": b64encode(BYTES).decode()})
        case {"op": "retry" | "drop", "id": 7 | 9 as id_}:
            return answer(id=id_)
        case {"op": "letter" | "retry" | "drop", "id": id_}:
            return refusal(f"there is no dead letter {id_}; `ccmux dead` lists them")
        case _:
            return kind(request)


def test_letters_are_one_line_each_and_cannot_command_the_terminal(project: Project) -> None:
    with project.daemon(daemon) as asked:
        done = project.run("dead")
        assert project.run("dead", "list", "--limit", "7").stdout == done.stdout
        assert json.loads(project.run("dead", "--json").stdout) == [LETTER]
    (line,) = done.stdout.splitlines()
    assert line.startswith("     7  line ")
    assert line.endswith("  tg  12 bytes  not valid UTF-8: byte 0xff: \ufffd·[2J{not json")
    assert asked[1] == {"op": "dead", "project": "my-app", "limit": 7}


def test_a_letter_whose_end_is_gone_says_so() -> None:
    told = dead.told({**LETTER, "whole_bytes": 99}, now_s=65.0)
    assert "the first 12 of 99 bytes" in told
    assert "1 min" in told


def test_no_letters_is_said(project: Project) -> None:
    with project.daemon(lambda _: answer(letters=[])):
        assert project.run("dead").stdout == "there are no dead letters\n"
        assert project.run("dead", "--json").stdout == "[]\n"


def test_show_prints_exactly_the_bytes(project: Project) -> None:
    with project.daemon(daemon):
        done = subprocess.run(
            [PROGRAM, "dead", "show", "7"],
            cwd=project.folder,
            env=project.environment,
            capture_output=True,
            check=True,
        )
        as_json = json.loads(project.run("dead", "show", "7", "--json").stdout)
    assert (done.stdout, done.stderr) == (BYTES, b"")
    assert as_json["verbatim"] == b64encode(BYTES).decode()


@pytest.mark.parametrize(("action", "said"), [("retry", "queued again: 7, 9"), ("drop", "dropped: 7, 9")])
def test_several_are_done_and_one_that_is_refused_is_said(project: Project, action: str, said: str) -> None:
    with project.daemon(daemon):
        done = project.run("dead", action, "7", "8", "9")
        alone = project.run("dead", action, "7", "--json")
    assert (done.returncode, done.stdout) == (1, f"{said}\n")
    assert done.stderr == "ccmux: there is no dead letter 8; `ccmux dead` lists them\n"
    assert (alone.returncode, alone.stdout) == (0, "[7]\n")


USAGE = {
    "needs the ID": ("retry",),
    "takes one ID": ("show", "1", "2"),
    "takes no ID": ("list", "1"),
    "is a number": ("drop", "mail-1"),
    "invalid choice": ("burn",),
}


@pytest.mark.parametrize(("says", "words"), USAGE.items())
def test_what_makes_no_sense_is_usage(project: Project, says: str, words: tuple[str, ...]) -> None:
    done = project.run("dead", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_without_a_daemon_it_says_how_to_start_one(project: Project) -> None:
    done = project.run("dead", "retry", "7")
    assert (done.returncode, done.stdout) == (1, "")
    assert "start it with `ccmux`" in done.stderr
