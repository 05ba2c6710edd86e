"""The real Claude Code CLI with the hooks that `ccmux live install` writes into its settings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ccmux.trial.api import ScriptedApi
from ccmux.trial.waiting import until
from tests.claude.real import find_claude, scratch_home
from tests.live.desk import Desk
from tests.live.relay import RelayServer

pytestmark = pytest.mark.real_claude


def test_hooks_of_the_real_cli_tell_of_a_session_while_it_works_and_when_it_ends(
    desk: Desk, relay: RelayServer, tmp_path: Path
) -> None:
    project = tmp_path / "a project"
    project.mkdir()
    desk.environment |= scratch_home(desk.home, project) | desk.environment
    desk.environment["CLAUDE_CONFIG_DIR"] = str(desk.home)
    assert desk.run("live", "install").returncode == 0
    with ScriptedApi() as api:
        claude = subprocess.Popen(
            [find_claude(), "-p", "wait 60", "--permission-mode", "manual"],
            cwd=project,
            env={**desk.environment, "ANTHROPIC_BASE_URL": api.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        until(
            lambda: any(one["last_prompt"] == "wait 60" for one in relay.sessions()),
            lambda: f"{relay.posts}",
        )
        [session] = relay.sessions()
        assert (session["project"], session["state"], session["user_prompts"]) == ("a project", "busy", 1)
        claude.terminate()
        claude.wait()
    relay.until_stop()
    told = [one for post in relay.posts for one in post.said.get("sessions", ())]
    assert {one["session_id"] for one in told} == {session["session_id"]}
    assert desk.run("live", "uninstall").returncode == 0
    assert not (desk.home / "settings.json").exists()
