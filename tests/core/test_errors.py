"""Every error is one sentence for a person, with the facts in it and the way out."""

from __future__ import annotations

from typing import Any

import pytest

from ccmux.core import errors

RAISED: list[tuple[errors.CcmuxError, tuple[str, ...]]] = [
    (
        errors.SettingsInvalid("ccmux.toml", ["line 3: no", "line 9: neither"]),
        ("line 3: no; line 9: neither",),
    ),
    (errors.RuntimeDirUnsafe("/r", "it is a link", "rm it"), ("/r", "it is a link", "rm it")),
    (errors.StateDirUnsafe("/d", "others may enter it", "run: chmod 700 /d"), ("/d", "chmod 700")),
    (errors.AlreadyRunning("/r", 42, "home"), ("'home'", "pid 42", "[runtime] dir")),
    (errors.DaemonStays(42, 10.0), ("pid 42", "10 s", "kill -9 42")),
    (errors.DaemonUnreachable("/r/control.sock", "refused"), ("/r/control.sock", "refused", "`ccmux`")),
    (errors.DaemonUnreachable("/s", "no", errors.Unreached.SILENT), ("/s", "no", "it hangs")),
    (errors.DaemonUnreachable("/s", "no", errors.Unreached.OTHER), ("[runtime] dir", "[mcp] port")),
    (errors.DaemonUnreachable("/s", "no", way_out="wait"), ("(no); wait",)),
    (errors.DaemonStays(42, 20.0), ("pid 42", "20 s", "kill -9 42", "nothing", "is lost")),
    (errors.InputStays(20.0), ("20 s", "log", "again")),
    (errors.RequestRefused("not now"), ("not now",)),
    (errors.PaneLost("gone", during="look"), ("gone", "look", "again")),
    (errors.ChildNotStarted("nope", "No such file"), ("cannot start nope", "No such file", "executable")),
    (errors.ClaudeNotFound("claude"), ("'claude'", "npm install", "--demo")),
    (
        errors.ClaudeStays(42, "/tmp/a b/default", "ccmux-app"),
        ("pid 42", "server /tmp/a b/default", "tmux -S '/tmp/a b/default' kill-session -t =ccmux-app"),
    ),
    (errors.LaunchRefused("the settings are no JSON"), ("the settings are no JSON",)),
    (errors.NothingToTry("there is no npm", "install it"), ("nothing to try", "no npm", "install it")),
    (errors.OverseerRefused("/o.db is in use", "stop the other"), ("/o.db is in use", "stop the other")),
    (errors.GitFailed("git log", "bad revision"), ("git log", "bad revision")),
    (errors.AllowlistInvalid("privacy-allow.toml", ["one", "two"]), ("privacy-allow.toml", "one; two")),
    (errors.PortTaken(9876), ("9876", "[mcp] port")),
    (errors.RelayRefused("no key", "set CC_LIVE_API_KEY"), ("no key", "set CC_LIVE_API_KEY")),
    (
        errors.StoreFailed("/d/ccmux.db", "disk is full", "free some space"),
        ("disk is full", "free some space"),
    ),
    (errors.ProjectFileFailed(".mcp.json", "cannot be read"), (".mcp.json", "cannot be read")),
    (errors.RelayFailed("http://h", "it says 401"), ("http://h", "it says 401", "CC_LIVE_ENDPOINT", "key")),
    (errors.FileUnfit("settings.json", "line 3"), ("settings.json", "line 3", "mend that")),
    (errors.SecretUnsafe("/s/api_token", "others can read it", "chmod 600"), ("/s/api_token", "chmod 600")),
    (errors.DeploymentRefused("ccmux.toml", ["no", "neither"]), ("no; neither", "nothing was changed")),
    (errors.ServiceManagerFailed("systemctl start x", "no such unit"), ("systemctl start x", "no such unit")),
    (errors.UnitFileFailed("/u", "written", "disk is full"), ("/u", "written", "disk is full", "again")),
    (errors.UnitUnfit("/a\nb"), ("'/a\\nb'", "plainer name")),
]


@pytest.mark.parametrize(("error", "says"), RAISED, ids=lambda value: type(value).__name__)
def test_it_says_what_happened_and_the_way_out(error: errors.CcmuxError, says: tuple[str, ...]) -> None:
    assert "\n" not in str(error)
    assert all(word in str(error) for word in says)


def test_several_problems_are_a_line_each_at_a_terminal() -> None:
    assert errors.RequestRefused("no").lines == ["no"]
    assert errors.SettingsInvalid("a.toml", ["no"]).lines == ["a.toml: no"]
    several = ["a.toml has 2 problems:", "  no", "  neither"]
    assert errors.SettingsInvalid("a.toml", ["no", "neither"]).lines == several
    assert errors.DeploymentRefused("a.toml", ["no"]).lines == ["a.toml: no; nothing was changed"]
    assert errors.AllowlistInvalid("a.toml", ["no"]).lines == ["a.toml: no"]
    assert errors.AllowlistInvalid("a.toml", ["no", "neither"]).lines == several
    refused = errors.DeploymentRefused("a.toml", ["no", "neither"])
    assert refused.lines == [*several, "nothing was changed"]


def test_the_error_that_ended_a_group_is_found_however_deep_it_stands() -> None:
    first, second = errors.RequestRefused("first"), errors.RequestRefused("second")
    inner: Any = ExceptionGroup("", [first])
    assert errors.first_of(ExceptionGroup("", [inner, second])) is first


def test_every_error_is_tried() -> None:
    tried = {type(error) for error, _ in RAISED}
    assert tried == {kind for kind in vars(errors).values() if _is_ours(kind)}


def _is_ours(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, errors.CcmuxError) and kind is not errors.CcmuxError
