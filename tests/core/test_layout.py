"""Where everything lies."""

from __future__ import annotations

from pathlib import Path

from ccmux.core.layout import Layout

LAYOUT = Layout(data_dir=Path("/d"), secrets_dir=Path("/s"), runtime_dir=Path("/r"), project="p")


def test_every_path_lies_below_the_directory_it_belongs_to() -> None:
    state = {"database", "log_file", "send_spool", "hook_spool", "hook_shim", "claude_settings"}
    state |= {"long_messages", "landing"}
    runtime = {"control_sock", "output_sock"}
    paths = {name: getattr(LAYOUT, name) for name in state | runtime | {"api_token"}}
    assert LAYOUT.state_dir == Path("/d/ccmux/p")
    assert {name for name, path in paths.items() if path.parent == LAYOUT.state_dir} == state
    assert {name for name, path in paths.items() if path.parent == Path("/r")} == runtime
    assert paths["api_token"] == Path("/s/api_token")
    assert len(set(paths.values())) == len(paths)


def test_the_session_is_named_after_the_project() -> None:
    assert LAYOUT.tmux_session == "ccmux-p"
