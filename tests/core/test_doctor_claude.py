"""Claude Code is judged by what it says of itself; nothing secret of that is told on."""

from __future__ import annotations

import json

import pytest

from ccmux.core.claude_version import TESTED
from ccmux.core.doctor.claude import (
    SettingsFile,
    deafening,
    is_demo,
    judge_demo,
    judge_login,
    judge_program,
    judge_root,
    judge_version,
    overruled,
    works,
)
from ccmux.core.doctor.diagnosis import ails, fine, warns
from ccmux.core.findings import Verdict

OK, WARN, BAD = Verdict.OK, Verdict.WARN, Verdict.BAD


def test_the_program_is_found_or_the_path_is_told_once_a_folder() -> None:
    assert judge_program(["npx", "claude"], "/bin/npx", path="/bin").finding.says == "/bin/npx claude"
    found = judge_program(["claude"], None, path="/bin:/usr/bin:/bin").finding
    assert (found.verdict, found.says) == (BAD, "'claude' is not on the PATH: /bin, /usr/bin")


@pytest.mark.parametrize(
    ("version", "running", "verdicts"),
    [
        (TESTED, "", [OK]),
        (TESTED, TESTED, [OK]),
        ("99.0.0", "", [WARN]),
        ("99.0.0", TESTED, [WARN, WARN]),
        ("1.0.0", "", [WARN]),
        ("", "", [WARN]),
    ],
)
def test_versions(version: str, running: str, verdicts: list[Verdict]) -> None:
    found = [one.finding for one in judge_version(version, failure="", running=running)]
    assert [one.verdict for one in found] == verdicts
    assert all(bool(one.mend) is (one.verdict is not OK) for one in found)


def test_a_newer_version_names_its_trial_and_a_mute_one_its_reason() -> None:
    [newer] = judge_version("99.0.0", failure="", running="")
    assert newer.finding.mend == "ccmux upgrade-check"
    [mute] = judge_version("", failure="no answer within 5 s", running="")
    assert "no answer within 5 s" in mute.finding.says


def status(**facts: object) -> str:
    return json.dumps({"loggedIn": True, "email": "someone@example.org", "orgName": "secret", **facts})


@pytest.mark.parametrize(
    ("printed", "stored", "verdict", "says"),
    [
        (status(authMethod="claude.ai", subscriptionType="max"), True, OK, "by a claude.ai login (max)"),
        (status(authMethod="api_key"), False, OK, "by an API key"),
        (
            status(authMethod="api_key"),
            True,
            WARN,
            "an API key of the environment wins over the stored login: that key is billed",
        ),
        (status(authMethod="oauth_token"), False, OK, "by a token of the environment"),
        (status(authMethod="third_party", apiProvider="bedrock"), False, OK, "by another provider (bedrock)"),
        (status(authMethod="new_way"), False, OK, "by new_way"),
        (status(), False, OK, "by a way it does not name"),
        (status(loggedIn=False), False, BAD, "nobody is logged in"),
        ("", False, WARN, "whether somebody is logged in cannot be known: it failed"),
        ("[]", False, WARN, "whether somebody is logged in cannot be known: it failed"),
    ],
)
def test_the_login(printed: str, stored: bool, verdict: Verdict, says: str) -> None:
    found = judge_login(printed, failure="it failed", stored=stored).finding
    assert (found.verdict, found.says) == (verdict, says)
    assert bool(found.mend) is (verdict is not OK)


@pytest.mark.parametrize(
    ("uid", "bypasses", "environment", "refused"),
    [
        (0, True, {}, True),
        (0, True, {"IS_SANDBOX": "1"}, False),
        (0, False, {}, False),
        (1000, True, {}, False),
    ],
)
def test_root_without_a_sandbox(uid: int, bypasses: bool, environment: dict[str, str], refused: bool) -> None:
    found = judge_root(uid=uid, bypasses=bypasses, environment=environment)
    assert (found is not None) is refused
    assert found is None or found.finding.mend


@pytest.mark.parametrize(
    ("command", "demo"),
    [
        (("ccmux-demo-agent",), True),
        (("/opt/ccmux/bin/ccmux-demo-agent", "--x"), True),
        (("/usr/bin/python3", "-m", "ccmux.demo"), True),
        (("claude",), False),
        (("npx", "claude", "ccmux.demo"), False),
    ],
)
def test_the_demo_agent_is_known_by_its_command(command: tuple[str, ...], demo: bool) -> None:
    assert is_demo(command) is demo


def test_the_demo_agent_is_named_as_that() -> None:
    found = [one.finding for one in judge_demo(("/bin/ccmux-demo-agent",))]
    assert [(one.name, one.verdict) for one in found] == [("program", OK), ("version", OK), ("login", OK)]
    assert found[0].says == "/bin/ccmux-demo-agent: ccmux's demo agent, in Claude's place"


@pytest.mark.parametrize(
    ("status", "works_well"),
    [
        ({"pid": 7, "state": "idle", "hold": ""}, True),
        ({"pid": 7, "state": "busy", "hold": "Claude is generating"}, True),
        ({"pid": 7, "state": "idle", "hold": "login needed"}, False),
        ({"pid": None, "state": "idle", "hold": ""}, False),
        ({"pid": 7, "state": "starting", "hold": "starting"}, False),
        ({}, False),
    ],
)
def test_a_session_works_or_nobody_knows(status: dict[str, object], works_well: bool) -> None:
    assert works(status) is works_well


def test_a_session_that_works_overrules_what_was_only_guessed() -> None:
    never, nobody = (warns("claude", "login", "never", "x"), ails("claude", "login", "nobody", "x"))
    bills = judge_login(status(authMethod="api_key"), failure="", stored=True)
    known = fine("claude", "login", "by a claude.ai login")
    for guess in (never, nobody):
        found = overruled(guess).finding
        assert (found.verdict, found.says) == (OK, "the session that runs has what it needs")
    assert overruled(known) is known
    assert overruled(bills) is bills, "who pays is no guess"


@pytest.mark.parametrize(
    ("text", "managed", "verdicts"),
    [
        ('{"disableAllHooks": true}', False, [BAD]),
        ('{"disableAllHooks": false, "allowManagedHooksOnly": true}', False, []),
        ('{"allowManagedHooksOnly": true, "disableAllHooks": true}', True, [BAD, BAD]),
        ("{", False, [WARN]),
        ("[]", False, []),
    ],
)
def test_what_keeps_our_hooks_from_running(text: str, managed: bool, verdicts: list[Verdict]) -> None:
    found = deafening([SettingsFile(path="/h/settings.json", text=text, managed=managed)])
    assert [one.finding.verdict for one in found] == verdicts
    assert all("/h/settings.json" in one.finding.mend for one in found)
