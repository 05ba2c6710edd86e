import json
from collections.abc import Mapping
from typing import Any

import pytest

from ccmux.core.launch import HOOK_EVENTS, Launch, LaunchProblem, plan_launch, settings_file
from ccmux.core.session_plan import SessionPlan

NEW = SessionPlan(session_id="1d", resume=False)
HOOK = ("/bin/sh", "/state/hook $x.sh", "/state/hooks")
OUR_HOOK = {"hooks": [{"type": "command", "command": "/bin/sh", "args": list(HOOK[1:]), "timeout": 5}]}


def planned(plan: SessionPlan = NEW, **wishes: Any) -> Launch | LaunchProblem:
    return plan_launch(
        plan,
        **{
            "command": ("/bin/claude",),
            "args": (),
            "claude_env": {},
            "proxy": "",
            "inherited": {},
            "cwd": "/p",
            "token": "t0",
            "settings_path": "/state/settings.json",
            "hook": HOOK,
            **wishes,
        },
    )


def launch(plan: SessionPlan = NEW, **wishes: Any) -> Launch:
    result = planned(plan, **wishes)
    assert isinstance(result, Launch)
    return result


def settings(text: str | None = None, **wishes: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(launch(user_settings_text=text, **wishes).settings_json)
    return read


# ---------------------------------------------------------------------------------------------------- words


def test_a_new_conversation_and_a_resumed_one_are_named_by_id() -> None:
    ours = ("--settings", "/state/settings.json")
    assert launch(command=("node", "cli.js")).argv == ("node", "cli.js", *ours, "--session-id", "1d")
    resumed = SessionPlan(session_id="1d", resume=True)
    assert launch(resumed, args=("--model", "x")).argv == (
        *("/bin/claude", *ours, "--resume", "1d", "--model", "x"),
    )


@pytest.mark.parametrize(
    ("args", "others", "file"),
    [
        (("--settings", "/u.json", "-v"), ("-v",), "/u.json"),
        (("--settings=/u.json",), (), "/u.json"),
        (("--settings", "/first.json", "--settings", "/last.json"), (), "/last.json"),
        (("--settings",), (), ""),
        (("--settings", ' {"a": 1}'), (), None),
        (("-x", "--", "--settings", "is text"), ("-x", "--", "--settings", "is text"), None),
        ((), (), None),
    ],
)
def test_the_users_own_settings_are_taken_out_of_the_arguments(
    args: tuple[str, ...], others: tuple[str, ...], file: str | None
) -> None:
    assert settings_file(args) == file
    argv = launch(args=args, user_settings_text=None if file is None else "{}").argv
    assert argv == ("/bin/claude", "--settings", "/state/settings.json", "--session-id", "1d", *others)


# -------------------------------------------------------------------------------------------------- settings


def test_without_wishes_the_settings_are_ours() -> None:
    assert settings() == {
        "emojiCompletionEnabled": False,
        "spinnerTipsEnabled": False,
        "enabledMcpjsonServers": ["ccmux"],
        "hooks": {event: [OUR_HOOK] for event in HOOK_EVENTS},
    }


def test_the_users_settings_win_and_lists_are_joined() -> None:
    theirs = {"hooks": [{"type": "command", "command": "mine"}]}
    text = json.dumps(
        {
            "model": "x",
            "spinnerTipsEnabled": True,
            "enabledMcpjsonServers": ["a"],
            "hooks": {"Stop": [theirs], "PreToolUse": [theirs]},
        }
    )
    merged = settings(text)
    assert merged["model"] == "x"
    assert merged["spinnerTipsEnabled"] is True
    assert merged["emojiCompletionEnabled"] is False
    assert merged["enabledMcpjsonServers"] == ["a", "ccmux"]
    assert merged["hooks"]["Stop"] == [theirs, OUR_HOOK]
    assert merged["hooks"]["PreToolUse"] == [theirs]
    assert merged["hooks"]["SessionStart"] == [OUR_HOOK]


def test_settings_given_as_json_in_the_arguments_count_too() -> None:
    merged = settings(args=("--settings", '{"model": "x", "enabledMcpjsonServers": ["ccmux"]}'))
    assert merged["model"] == "x"
    assert merged["enabledMcpjsonServers"] == ["ccmux"]


@pytest.mark.parametrize(
    ("args", "answered"),
    [
        (("--dangerously-skip-permissions",), True),
        (("--permission-mode", "bypassPermissions"), True),
        (("--permission-mode=bypassPermissions",), True),
        (("--permission-mode", "plan"), False),
        (("bypassPermissions", "--permission-mode"), False),
        (("--allow-dangerously-skip-permissions",), False),
    ],
)
def test_the_bypass_warning_is_answered_only_where_the_user_asked_to_bypass(
    args: tuple[str, ...], answered: bool
) -> None:
    assert settings(args=args).get("skipDangerousModePermissionPrompt", False) is answered


def test_a_user_can_keep_the_bypass_warning() -> None:
    text = '{"skipDangerousModePermissionPrompt": false}'
    kept = settings(text, args=("--dangerously-skip-permissions",))
    assert kept["skipDangerousModePermissionPrompt"] is False


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no JSON"),
        ("{nope", "is no JSON"),
        ("[]", "must be a JSON object"),
        ('{"hooks": []}', "`hooks`"),
        ('{"hooks": {"Stop": {}}}', "`hooks`"),
        ('{"enabledMcpjsonServers": "a"}', "`enabledMcpjsonServers`"),
    ],
)
def test_settings_that_cannot_be_merged_are_a_problem_with_a_way_out(text: str, reason: str) -> None:
    result = planned(user_settings_text=text)
    assert isinstance(result, LaunchProblem)
    assert "--settings in [claude] args" in result.reason
    assert reason in result.reason


# ------------------------------------------------------------------------------------------------ environment

NO_PROXY = "localhost,127.0.0.1,::1"


@pytest.mark.parametrize(
    ("wishes", "variables"),
    [
        # the daemon's environment is Claude's, but for what was said to the daemon alone
        ({"inherited": {"PATH": "/x", "LANG": "C"}}, {"PATH": "/x", "LANG": "C"}),
        (
            {"inherited": {"CLAUDECODE": "1", "NOTIFY_SOCKET": "/s"}},
            {"CLAUDECODE": None, "NOTIFY_SOCKET": None},
        ),
        ({"inherited": {"TERM": "vt100", "TMUX": "/s,1,0"}}, {"TERM": None, "TMUX": None}),
        ({"inherited": {"BASH_FUNC_x%%": "() { :; }"}}, {"BASH_FUNC_x%%": None}),
        # ours win over the daemon's, the user's over ours
        ({"inherited": {"DISABLE_AUTOUPDATER": "0"}}, {"DISABLE_AUTOUPDATER": "1"}),
        ({"claude_env": {"DISABLE_AUTOUPDATER": "0"}}, {"DISABLE_AUTOUPDATER": "0"}),
        ({"claude_env": {"CLAUDE_CODE_REMOTE": "1"}}, {"CLAUDE_CODE_REMOTE": "1"}),
        ({"claude_env": {"CCMUX_TOKEN": "wrong"}}, {"CCMUX_TOKEN": "t0"}),
        # a proxy, and loopback past it
        ({}, {"HTTP_PROXY": None, "NO_PROXY": None}),
        (
            {"proxy": "http://p:1"},
            {
                "HTTP_PROXY": "http://p:1",
                "https_proxy": "http://p:1",
                "NO_PROXY": NO_PROXY,
                "no_proxy": NO_PROXY,
            },
        ),
        (
            {"proxy": "http://p:1", "inherited": {"HTTP_PROXY": "http://old:1", "no_proxy": "a, ::1 ,"}},
            {"HTTP_PROXY": "http://p:1", "NO_PROXY": "a,::1,localhost,127.0.0.1"},
        ),
        (
            {"proxy": "http://p:1", "claude_env": {"HTTP_PROXY": "http://mine:1", "NO_PROXY": "b"}},
            {"HTTP_PROXY": "http://mine:1", "HTTPS_PROXY": "http://p:1", "no_proxy": f"b,{NO_PROXY}"},
        ),
        ({"inherited": {"all_proxy": "socks5://p:1"}}, {"NO_PROXY": NO_PROXY, "HTTP_PROXY": None}),
    ],
)
def test_the_environment(wishes: dict[str, Any], variables: Mapping[str, str | None]) -> None:
    env = launch(**wishes).env
    assert {name: env.get(name) for name in variables} == variables


def test_what_must_not_come_from_the_tmux_server_is_unset_unless_it_is_set_by_us() -> None:
    unset = launch(inherited={"CLAUDECODE": "1", "ANTHROPIC_BASE_URL": "http://a"}, proxy="http://p:1").unset
    assert {"CLAUDECODE", "NOTIFY_SOCKET", "ANTHROPIC_API_KEY", "CLAUDE_CONFIG_DIR", "ALL_PROXY"} <= unset
    assert not {"ANTHROPIC_BASE_URL", "HTTP_PROXY", "TERM", "PATH", "HOME"} & unset


def test_no_secret_stands_among_the_arguments_or_in_the_settings() -> None:
    started = launch(token="s3cret", claude_env={"ANTHROPIC_API_KEY": "s3cret"}, proxy="http://u:s3cret@p")
    assert "s3cret" not in " ".join(started.argv) + started.settings_json


# --------------------------------------------------------------------------------------------------- warnings


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        ({"inherited": {"ANTHROPIC_API_KEY": "k"}}, "ANTHROPIC_API_KEY"),
        ({"claude_env": {"ANTHROPIC_API_KEY": "k"}}, "ANTHROPIC_API_KEY"),
        ({"user_settings_text": '{"disableAllHooks": true}'}, "disableAllHooks"),
        ({"user_settings_text": '{"disabledMcpjsonServers": ["ccmux"]}'}, "disabledMcpjsonServers"),
    ],
)
def test_what_a_user_should_know_is_said_and_kept(wishes: dict[str, Any], word: str) -> None:
    (warning,) = launch(**wishes).warnings
    assert word in warning
    assert launch().warnings == ()
