"""Where everything lies below the data, secrets and runtime directories. Pure values; it makes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The paths of one project.

    Attributes:
        data_dir: `CCMUX_DATA_DIR`, all projects' data; absolute.
        secrets_dir: `CCMUX_SECRETS_DIR`; absolute.
        runtime_dir: `[runtime] dir`, with ~ resolved; absolute.
        project: The project's name.

    """

    data_dir: Path
    secrets_dir: Path
    runtime_dir: Path
    project: str

    @property
    def tmux_session(self) -> str:
        """Name of the tmux session; as a target it is written `=NAME`, else tmux takes a prefix for it."""
        return f"ccmux-{self.project}"

    # state of this project, 0700
    @property
    def state_dir(self) -> Path:
        return self.data_dir / "ccmux" / self.project

    @property
    def database(self) -> Path:
        return self.state_dir / "ccmux.db"

    @property
    def log_file(self) -> Path:
        return self.state_dir / "ccmux.log"

    @property
    def landing(self) -> Path:
        """Folder of what was read from the input FIFOs and is not in the database yet."""
        return self.state_dir / "landing"

    @property
    def send_spool(self) -> Path:
        """Folder of messages that `ccmux send` could not hand over: one file each."""
        return self.state_dir / "spool"

    @property
    def hook_spool(self) -> Path:
        """Folder into which the hook shim puts each hook event."""
        return self.state_dir / "hooks"

    @property
    def hook_shim(self) -> Path:
        """The `sh` program that Claude's hooks start."""
        return self.state_dir / "hook.sh"

    @property
    def claude_settings(self) -> Path:
        """The file Claude gets as `--settings`."""
        return self.state_dir / "claude-settings.json"

    @property
    def long_messages(self) -> Path:
        """Folder of messages too long to be typed."""
        return self.state_dir / "messages"

    # secrets
    @property
    def api_token(self) -> Path:
        return self.secrets_dir / "api_token"

    # the runtime directory, 0700
    @property
    def control_sock(self) -> Path:
        return self.runtime_dir / "control.sock"

    @property
    def output_sock(self) -> Path:
        return self.runtime_dir / "output.sock"
