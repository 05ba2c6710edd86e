"""Where everything lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccmux.core.errors import SecretUnsafe
from ccmux.paths import Paths, claude_paths, find_paths, read_secret

PATHS = Paths(data_dir=Path("/d"), secrets_dir=Path("/s"), runtime_dir=Path("/r"), project="p")


def test_every_path_lies_below_the_directory_it_belongs_to() -> None:
    state = {"database", "send_spool", "hook_spool", "hook_shim", "claude_settings"}
    state |= {"long_messages", "landing", "running_settings"}
    runtime = {"control_sock", "output_sock"}
    paths = {name: getattr(PATHS, name) for name in state | runtime | {"api_token"}}
    assert PATHS.state_dir == Path("/d/ccmux/p")
    assert {name for name, path in paths.items() if path.parent == PATHS.state_dir} == state
    assert {name for name, path in paths.items() if path.parent == Path("/r")} == runtime
    assert paths["api_token"] == Path("/s/api_token")
    assert len(set(paths.values())) == len(paths)


def test_the_session_is_named_after_the_project() -> None:
    assert PATHS.tmux_session == "ccmux-p"


def test_what_projects_share_lies_in_the_data_directory() -> None:
    assert PATHS.contacts == Path("/d/contacts.json")
    assert PATHS.attachments_dir == Path("/d/attachments")
    assert PATHS.tried_claude == Path("/d/tried-claude")
    assert PATHS.log_file == Path("/d/logs/p.log")


def test_the_environment_says_where_data_and_secrets_are() -> None:
    said = {"CCMUX_DATA_DIR": "/x/data", "CCMUX_SECRETS_DIR": "~/mine"}
    found = find_paths(said, runtime_dir=Path("/r"), project="p")
    assert found.data_dir == Path("/x/data")
    assert found.secrets_dir == Path.home() / "mine"


@pytest.mark.parametrize("environment", [{}, {"CCMUX_DATA_DIR": "", "CCMUX_SECRETS_DIR": ""}])
def test_where_it_says_nothing_they_lie_below_the_home(environment: dict[str, str]) -> None:
    found = find_paths(environment, runtime_dir=Path("/r"), project="p")
    assert found.data_dir == Path.home() / ".ccmux/data"
    assert found.secrets_dir == Path.home() / ".ccmux/secrets"


def test_a_secret_of_ours_alone_is_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    secret = tmp_path / "key"
    secret.write_bytes(b"abc")
    secret.chmod(0o600)
    assert read_secret(secret) == b"abc"
    assert read_secret(tmp_path / "none") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_others_may_read_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    tmp_path.chmod(0o700)
    secret = tmp_path / "key"
    secret.write_bytes(b"abc")
    secret.chmod(mode)
    with pytest.raises(SecretUnsafe, match=f"chmod 600 {secret}") as caught:
        read_secret(secret)
    assert "abc" not in str(caught.value)


def test_a_folder_of_secrets_others_may_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "the secrets"
    folder.mkdir(mode=0o755)
    with pytest.raises(SecretUnsafe, match=f"chmod 700 '{folder}'"):
        read_secret(folder / "key")


def test_a_link_is_no_secret(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "elsewhere").write_bytes(b"abc")
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        read_secret(tmp_path / "key")


@pytest.mark.parametrize(
    ("environment", "folder", "state"),
    [
        ({"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}, Path("/c"), Path("/c/.claude.json")),
        ({"HOME": "/h", "CLAUDE_CONFIG_DIR": ""}, Path("/h/.claude"), Path("/h/.claude.json")),
        ({}, Path.home() / ".claude", Path.home() / ".claude.json"),
    ],
)
def test_claude_keeps_its_things_where_its_environment_says(
    environment: dict[str, str], folder: Path, state: Path
) -> None:
    found = claude_paths(environment)
    assert (found.config_dir, found.state_file) == (folder, state)
