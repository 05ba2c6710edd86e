"""`ccmux send`, the real program against a scripted daemon."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ccmux.cli.main import main
from ccmux.core.control import answer, refusal
from ccmux.core.settings import RuntimeSettings, Settings
from tests.cli.conftest import STATUS, Project, kind, lines


def test_a_message_is_handed_over_and_its_number_printed(project: Project) -> None:
    with project.daemon(kind) as asked:
        done = project.run("send", "-c", "mail.x", "--id", "k1", "hello", "wörld")
    assert (done.returncode, done.stdout, done.stderr) == (0, "12\n", "")
    (request,) = asked
    assert request["project"] == "my-app"
    message = request["message"]
    assert (message["channel"], message["id"], message["content"]) == ("mail.x", "k1", "hello wörld")
    assert message["ts"] > 1_700_000_000


def test_every_message_has_a_key_of_its_own(project: Project) -> None:
    with project.daemon(kind) as asked:
        project.run("send", "x")
        project.run("send", "x")
    keys = [request["message"]["id"] for request in asked]
    assert len(set(keys)) == 2
    assert all(key.startswith("send-") for key in keys)


@pytest.mark.parametrize("words", [["-"], []])
def test_standard_input_is_sent_as_it_is(project: Project, words: list[str]) -> None:
    with project.daemon(kind) as asked:
        assert project.run("send", *words, stdin="one\n\n two\n\n").returncode == 0
    assert asked[0]["message"]["content"] == "one\n\n two\n"


def test_text_that_looks_like_an_option_goes_behind_two_dashes(project: Project) -> None:
    with project.daemon(kind) as asked:
        assert project.run("send", "--", "-5 degrees").returncode == 0
    assert asked[0]["message"]["content"] == "-5 degrees"


EXACTLY = [
    "-5 degrees",
    "--help",
    "--",
    "-- twice",
    """it's "quoted" `and` $HOME ${HOME} $(id) %h %% %n \\ \\n #{x} é 👋""",
    "two\nlines\n\n",
    " outer blanks \t",
]


@pytest.mark.parametrize("text", EXACTLY)
def test_a_timers_text_arrives_exactly_from_a_place_without_terminal_or_input(
    project: Project, text: str
) -> None:
    words = ("-C", str(project.folder), "send", "-c", "timer", "--unless-waiting", "it's time", "--", text)
    with project.daemon(kind) as asked, Path(os.devnull).open("rb") as nothing:
        done = project.run(*words, stdin=nothing, cwd=Path("/"), env={"TERM": ""})
    assert (done.returncode, done.stdout, done.stderr) == (0, "12\n", "")
    message = asked[0]["message"]
    assert (message["content"], message["channel"]) == (text, "timer")
    assert message["unless_waiting"] == "it's time"
    with Path(os.devnull).open("rb") as nothing:
        done = project.run(*words, stdin=nothing, cwd=Path("/"), env={"TERM": ""})
    assert done.returncode == 0
    assert "kept and taken at the next start, unless an earlier one of 'it's time' still waits" in done.stderr
    (kept,) = project.spooled
    assert kept["content"] == text
    assert kept["unless_waiting"] == "it's time"


@pytest.mark.parametrize("wait", [(), ("--wait", "answered")])
def test_a_skipped_message_is_told_in_one_line_and_is_no_failure(
    project: Project, wait: tuple[str, ...]
) -> None:
    def answers(request: dict[str, Any]) -> bytes:
        if request["op"] == "status":
            return kind(request)
        why = request["message"]["content"]
        return answer(id=None, key="k", duplicate=False, skipped=True, waits=12, reason=why)

    with project.daemon(answers):
        done = project.run("send", "--unless-waiting", "morning", *wait, "Claude is generating")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "skipped: message 12 of 'morning' still waits (Claude is generating)\n"


def test_a_name_that_cannot_be_is_a_matter_of_usage(project: Project) -> None:
    for wrong in ("", "x" * 129, "a\nb"):
        done = project.run("send", "--unless-waiting", wrong, "x")
        assert done.returncode == 2
        assert "--unless-waiting: it must be 1 to 128 printable characters" in done.stderr
    assert project.spooled == []


def test_nothing_is_not_sent(project: Project) -> None:
    with project.daemon(kind) as asked:
        assert project.run("send", " ").returncode == 2
        assert project.run("send", "-", stdin="\n").returncode == 2
    assert asked == []


def test_what_cannot_be_a_message_is_refused_before_anything_happens(project: Project) -> None:
    project.config.write_text(project.config.read_text() + "[input]\nmax_message_bytes = 5000\n")
    with project.daemon(kind) as asked:
        done = project.run("send", "-", stdin="é" * 2_501)
        assert (done.returncode, done.stdout) == (1, "")
        assert "5002 bytes, at most 5000" in done.stderr
        done = project.run("send", "-", stdin=b"\xff")
        assert (done.returncode, done.stdout) == (1, "")
        assert "not valid UTF-8" in done.stderr
    assert asked == []
    assert project.spooled == []


def test_a_big_message_arrives_whole(project: Project) -> None:
    text = "line\n" * 200_000
    with project.daemon(kind) as asked:
        assert project.run("send", "-", stdin=text + "\n").returncode == 0
    assert asked[0]["message"]["content"] == text


def test_a_refusal_is_said_and_nothing_is_spooled(project: Project) -> None:
    with project.daemon(lambda _: refusal("not taken: because")):
        done = project.run("send", "x")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "ccmux: not taken: because\n")
    assert project.spooled == []


def test_while_the_daemon_is_down_the_message_is_kept_on_disk(project: Project) -> None:
    done = project.run("send", "-c", "mail", "--id", "k1", "hello")
    assert (done.returncode, done.stdout) == (0, "k1\n")
    assert "the message is kept and taken at the next start" in done.stderr
    (message,) = project.spooled
    assert {key: message[key] for key in ("channel", "content", "id")} == {
        "channel": "mail",
        "content": "hello",
        "id": "k1",
    }


def test_when_the_answer_gets_lost_the_same_message_with_the_same_key_is_kept(project: Project) -> None:
    with project.daemon(lambda _: b"cut off\n") as asked:
        done = project.run("send", "hello")
    assert done.returncode == 0
    assert project.spooled == [asked[0]["message"]]
    assert done.stdout == f"{asked[0]['message']['id']}\n"


def test_the_daemon_of_another_project_gets_nothing(project: Project) -> None:
    with project.daemon(lambda _: refusal("it is of project 'other'", code="other project")):
        done = project.run("send", "--id", "k", "x")
    assert (done.returncode, done.stdout) == (0, "k\n")
    assert "project 'other'" in done.stderr
    assert len(project.spooled) == 1


@pytest.fixture
def nowhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A folder without settings, whose default runtime directory is the test's own."""
    project.config.unlink()
    settings = Settings(runtime=RuntimeSettings(dir=str(project.runtime)))
    monkeypatch.setattr("ccmux.place.read_settings", lambda path: (settings, None))
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.folder)
    return project


def test_where_no_project_ever_was_nothing_is_put_into_a_spool_nobody_reads(
    nowhere: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["send", "x"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "go to the project's folder" in told.err
    assert nowhere.spooled == []


def test_where_no_project_ever_was_the_daemon_of_any_project_is_meant(nowhere: Project) -> None:
    with nowhere.daemon(kind) as asked:
        assert main(["send", "x"]) == 0
    assert "project" not in asked[0]


def test_where_a_daemon_ran_before_the_message_is_kept_also_without_a_settings_file(nowhere: Project) -> None:
    (nowhere.data / "ccmux" / "my-app").mkdir(parents=True)
    assert main(["send", "x"]) == 0
    assert len(nowhere.spooled) == 1


def test_a_spool_that_cannot_be_written_is_said(project: Project) -> None:
    project.data.write_text("a file")
    done = project.run("send", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written" in done.stderr


# ---------------------------------------------------------------------------------------------- waiting


def moved(state: str, *, seq: int = 50, id: int = 12, reason: str = "") -> dict[str, Any]:  # noqa: A002
    return {"seq": seq, "type": "message", "id": id, "channel": "default", "state": state, "reason": reason}


def turn(*texts: str, ids: tuple[int, ...] = (12,), seq: int = 60) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "name": "Bash"}, *({"type": "text", "text": text} for text in texts)]
    return {"seq": seq, "type": "turn", "turn": blocks, "message_ids": list(ids)}


def test_waiting_for_the_answer_prints_the_turns_text(project: Project) -> None:
    subscriptions = []

    def events(asked: dict[str, Any]) -> bytes:
        subscriptions.append(asked)
        others = (moved("answered", id=11), turn("not mine", ids=(11,)), {"seq": 58, "type": "state"})
        return lines(*others, moved("submitted"), turn("first", "zweitens\n"), moved("answered"))

    with project.daemon(kind, events):
        done = project.run("send", "--wait", "answered", "x")
    assert (done.returncode, done.stdout) == (0, "first\n\nzweitens\n\n")
    assert done.stderr == "message 12 is queued\n"
    assert subscriptions == [{"since": STATUS["last_seq"]}]


@pytest.mark.parametrize("state", ["submitted", "started", "answered"])
def test_waiting_for_submitted_ends_with_any_proof_of_it(project: Project, state: str) -> None:
    with project.daemon(kind, lambda _: lines(moved("queued"), moved("typing"), moved(state))):
        done = project.run("send", "--wait", "submitted", "x")
    assert (done.returncode, done.stdout) == (0, "12\n")


@pytest.mark.parametrize("state", ["submitted", "answered"])
def test_a_message_that_was_given_up_fails_with_the_reason(project: Project, state: str) -> None:
    with project.daemon(kind, lambda _: lines(moved("dead", reason="too often"))):
        done = project.run("send", "--wait", state, "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "message 12 was given up: too often" in done.stderr


def cut(*texts: str) -> dict[str, Any]:
    return turn(*texts) | {"outcome": "crashed"}


def test_a_turn_that_a_crash_cut_is_no_answer_while_claude_goes_on_with_it(project: Project) -> None:
    going_on = moved("started", reason="turn crashed; message 13 asks Claude to go on")
    told = lines(cut("half"), going_on, turn("whole", ids=(12, 13)), moved("answered"))
    with project.daemon(kind, lambda _: told):
        done = project.run("send", "--wait", "answered", "x")
    assert (done.returncode, done.stdout) == (0, "whole\n")


def test_a_turn_that_nobody_goes_on_with_is_printed_and_fails(project: Project) -> None:
    told = lines(cut("half"), moved("answered", reason="turn crashed"))
    with project.daemon(kind, lambda _: told):
        done = project.run("send", "--wait", "answered", "x")
    assert (done.returncode, done.stdout) == (1, "half\n")
    assert "Claude crashed at work on message 12" in done.stderr


def test_the_wait_ends_in_time_and_says_where_to_look(project: Project) -> None:
    with project.daemon(kind, lambda _: lines(moved("queued"))):
        done = project.run("send", "--wait", "answered", "--timeout", "0.1", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "message 12 is not answered after 0.1 s; see ccmux why 12" in done.stderr


def test_without_a_daemon_there_is_nothing_to_wait_for_but_the_message_is_kept(project: Project) -> None:
    done = project.run("send", "--wait", "answered", "--id", "k", "x")
    assert (done.returncode, done.stdout) == (1, "k\n")
    assert "later: ccmux why k" in done.stderr
    assert len(project.spooled) == 1


def test_a_stream_that_ends_is_said_and_the_message_is_kept(project: Project) -> None:
    with project.daemon(kind, lambda _: lines({"type": "error", "error": "shutting down"})):
        done = project.run("send", "--wait", "answered", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "shutting down" in done.stderr
    assert "message 12 is kept, see ccmux why 12" in done.stderr


def known(state: str) -> Any:
    """Answer as a daemon that has had this key before."""

    def answers(request: dict[str, Any]) -> bytes:
        match request["op"]:
            case "send":
                return answer(id=12, key="k", duplicate=True)
            case "show":
                return answer(messages=[moved(state, reason="so")])
            case _:
                return kind(request)

    return answers


def test_a_message_sent_before_is_found_in_the_past(project: Project) -> None:
    subscriptions = []

    def events(asked: dict[str, Any]) -> bytes:
        subscriptions.append(asked)
        return lines(turn("long ago", seq=7), {"seq": 41, "type": "state"})

    with project.daemon(known("answered"), events):
        done = project.run("send", "--wait", "answered", "--id", "k", "x")
        assert (done.returncode, done.stdout) == (0, "long ago\n")
        assert project.run("send", "--wait", "submitted", "--id", "k", "x").stdout == "12\n"
    assert subscriptions == [{"since": 0}]
    with project.daemon(known("dead")):
        done = project.run("send", "--wait", "answered", "--id", "k", "x")
    assert (done.returncode, done.stdout) == (1, "")


def test_an_answer_that_is_no_longer_in_the_log_is_not_waited_for(project: Project) -> None:
    with project.daemon(known("answered"), lambda _: lines({"seq": 41, "type": "state"})):
        done = project.run("send", "--wait", "answered", "--id", "k", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "its turn is no longer in the event log" in done.stderr


def test_a_message_sent_before_and_still_under_way_is_waited_for(project: Project) -> None:
    with project.daemon(known("started"), lambda _: lines({"seq": 41, "type": "state"}, turn("now"))):
        done = project.run("send", "--wait", "answered", "--id", "k", "x")
    assert (done.returncode, done.stdout) == (0, "now\n")
