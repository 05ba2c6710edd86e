"""The environment a tried Claude gets: nothing of the user's logins, proxies or sessions is in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from ccmux.trial.home import scratch_home
from ccmux.trial.program import version_of

USERS = {
    "PATH": "/bin:/usr/bin",
    "TZ": "UTC",
    "TMPDIR": "/tmp",
    "HOME": "/home/me",
    "ANTHROPIC_API_KEY": "secret",
    "ANTHROPIC_BASE_URL": "https://example.org",
    "CLAUDE_CONFIG_DIR": "/home/me/.claude",
    "CLAUDE_CODE_USE_BEDROCK": "1",
    "CLAUDECODE": "1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "HTTPS_PROXY": "http://proxy:1",
    "https_proxy": "http://proxy:1",
    "ALL_PROXY": "http://proxy:1",
    "TMUX": "/tmp/tmux-0/default,1,0",
    "NOTIFY_SOCKET": "/run/notify",
    "XDG_RUNTIME_DIR": "/run/user/1",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1/bus",
    "CCMUX_DATA_DIR": "/home/me/.ccmux/data",
}


def test_only_what_programs_need_to_run_goes_in(tmp_path: Path) -> None:
    made = scratch_home(tmp_path / "home", tmp_path, inherited=USERS)
    same = {name for name in USERS if made.get(name) == USERS[name]}
    assert same == {"TZ"}
    assert made["PATH"] == f"{tmp_path}/home/bin:/bin:/usr/bin"
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "TMUX", "NOTIFY_SOCKET", "ALL_PROXY"):
        assert name not in made
    assert made["HOME"] == made["CLAUDE_CONFIG_DIR"] == str(tmp_path / "home")
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ANTHROPIC_BASE_URL"):
        assert made[name].startswith("http://127.0.0.1:")
    assert made["DISABLE_AUTOUPDATER"] == "1"


def test_nobody_goes_out_with_the_users_ssh_keys(tmp_path: Path) -> None:
    made = scratch_home(tmp_path / "home", tmp_path, inherited=USERS)
    done = subprocess.run(["sh", "-c", "ssh git@127.0.0.1"], env=made, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (255, b"")


def test_the_first_questions_are_answered(tmp_path: Path) -> None:
    scratch_home(tmp_path / "home", tmp_path, inherited={})
    state = json.loads((tmp_path / "home/.claude.json").read_text())
    assert state["hasCompletedOnboarding"] is True
    assert state["projects"] == {str(tmp_path): {"hasTrustDialogAccepted": True}}
    assert (tmp_path / "home/tmp").stat().st_mode & 0o777 == 0o700


def test_a_version_is_asked_for_in_that_home(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text(f'#!/bin/sh\necho "9.8.7 $1"\nprintenv HOME >{tmp_path}/asked\n')
    assert version_of([str(program)], inherited=USERS) == ""  # nobody may execute it
    program.chmod(0o700)
    assert version_of([str(program)], inherited=USERS) == "9.8.7"
    home = Path((tmp_path / "asked").read_text().strip())
    assert "ccmux-trial-" in str(home)
    assert not home.exists()
    program.write_text("#!/bin/sh\necho 9.8.7; exit 1\n")
    assert version_of([str(program)], inherited=USERS) == ""
