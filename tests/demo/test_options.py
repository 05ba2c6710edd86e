from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccmux.demo.options import Options, UsageProblem, read

ID = "11111111-2222-4333-8444-555555555555"


def opts(*argv: str, **environ: str) -> Options:
    return read(argv, {"CLAUDE_CONFIG_DIR": "/c", **environ})


def test_nothing_said_means_auto_mode_and_answers_to_channels() -> None:
    assert opts() == Options(
        session_id=None, resume=None, mode="auto", allowed=(), hooks={}, prompt="", answers=True, startup="",
        home=Path("/c"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "mode"),
    [
        (["--permission-mode", "manual"], "default"),
        (["--permission-mode=plan"], "plan"),
        (["--dangerously-skip-permissions"], "bypassPermissions"),
        (["--settings", '{"permissions": {"defaultMode": "acceptEdits"}}'], "acceptEdits"),
    ],
)
def test_permission_modes_are_named_as_hooks_name_them(argv: list[str], mode: str) -> None:
    assert opts(*argv).mode == mode


def test_unknown_flags_take_their_values_with_them() -> None:
    given = opts(
        "--model", "opus", "--verbose", "--mcp-config", "a", "b", "--session-id", ID, "--x=1", "hi", "you"
    )
    assert (given.session_id, given.prompt) == (ID, "hi you")
    assert opts("--verbose", "--", "--hi").prompt == "--hi"


def test_only_the_last_settings_count(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text(json.dumps({"hooks": {"Stop": []}, "permissions": {"allow": ["mcp__ccmux"]}}))
    given = opts(
        "--settings", '{"hooks": {"Start": []}}', "--settings", str(file), "--allowedTools", "Bash,Read"
    )
    assert given.hooks == {"Stop": []}
    assert given.allowed == ("Bash", "Read", "mcp__ccmux")


@pytest.mark.parametrize(
    "argv", [["--session-id", "x"], ["--settings", "/no/such"], ["--settings", "{"], ["--settings", "{}[]"]]
)
def test_what_cannot_be_used_is_said(argv: list[str]) -> None:
    with pytest.raises(UsageProblem, match="Error: "):
        opts(*argv)


def test_the_environment_switches_tests_on() -> None:
    given = opts(CCMUX_DEMO_ANSWERS="0", CCMUX_DEMO_STARTUP="trust")
    assert (given.answers, given.startup) == (False, "trust")
    assert opts("--resume", ID).resume == opts("-r", ID).resume == ID


def test_trust_is_asked_for_until_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"CCMUX_DEMO_STARTUP": "trust", "CLAUDE_CONFIG_DIR": str(tmp_path)}
    assert read([], environ).startup == "trust"
    state = {"projects": {str(tmp_path): {"hasTrustDialogAccepted": True}}}
    (tmp_path / ".claude.json").write_text(json.dumps(state))
    assert read([], environ).startup == ""
    assert read([], environ | {"CCMUX_DEMO_STARTUP": "theme"}).startup == "theme"


@pytest.mark.parametrize(
    ("said", "users", "fires"),
    [("false", None, True), ("true", None, False), ("false", "true", False), ("false", "{", True)],
)
def test_disabled_hooks_are_not_fired_whoever_disabled_them(
    tmp_path: Path, said: str, users: str | None, fires: bool
) -> None:
    if users is not None:
        text = f'{{"disableAllHooks": {users}}}' if users == "true" else users
        (tmp_path / "settings.json").write_text(text)
    settings = f'{{"disableAllHooks": {said}, "hooks": {{"Stop": []}}}}'
    assert bool(opts("--settings", settings, CLAUDE_CONFIG_DIR=str(tmp_path)).hooks) is fires
