"""Where everything lies below the data, secrets and runtime directories, and who may read what is secret.

The only place that knows `CCMUX_DATA_DIR` and `CCMUX_SECRETS_DIR`. It makes and changes nothing.

    data/                  CCMUX_DATA_DIR, ~/.ccmux/data; 0700
      contacts.json        who is who, for adapters
      attachments/         files that came with messages
      tried-claude/        the Claude Code that upgrade-check tried last
      logs/NAME.log        what the daemon of project NAME did
      ccmux/NAME/          state of project NAME: queue, landing, spools
      ccmux/.good/         settings files as they were when they were last good
      live/                live status of every session of this user
    secrets/               CCMUX_SECRETS_DIR, ~/.ccmux/secrets; 0700, each file 0600
      api_token            of the daemon's HTTP face
      live_api_key         by which a relay knows publishers, and publishers tell it who they are
      live_noise_key       what noise in the place of sensitive prompts is made with
      privacy_blocklist.txt  names and numbers that must never be committed
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ccmux.core.errors import SecretUnsafe

DATA_VARIABLE, SECRETS_VARIABLE = "CCMUX_DATA_DIR", "CCMUX_SECRETS_DIR"

_DEFAULTS = {DATA_VARIABLE: "~/.ccmux/data", SECRETS_VARIABLE: "~/.ccmux/secrets"}
_SECRET_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
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

    # what all projects share, 0700
    @property
    def contacts(self) -> Path:
        """Who is who: names and addresses that adapters know."""
        return self.data_dir / "contacts.json"

    @property
    def attachments_dir(self) -> Path:
        """Files that came with messages; adapters write them, messages name them."""
        return self.data_dir / "attachments"

    @property
    def tried_claude(self) -> Path:
        """Where `ccmux upgrade-check` puts the Claude Code it fetches; it may be deleted at any time."""
        return self.data_dir / "tried-claude"

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def log_file(self) -> Path:
        return self.logs_dir / f"{self.project}.log"

    # state of this project, 0700
    @property
    def state_dir(self) -> Path:
        return self.data_dir / "ccmux" / self.project

    @property
    def database(self) -> Path:
        return self.state_dir / "ccmux.db"

    @property
    def overseer_database(self) -> Path:
        """Where the overseer keeps its tasks."""
        return self.state_dir / "overseer.db"

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

    @property
    def running_settings(self) -> Path:
        """The text of the settings that the daemon came up with."""
        return self.state_dir / "settings.toml"

    @property
    def selfcheck(self) -> Path:
        """What the last self-check told, for the next one and for whoever wants to read it."""
        return self.state_dir / "selfcheck.json"

    # secrets
    @property
    def api_token(self) -> Path:
        return self.secrets_dir / "api_token"

    @property
    def privacy_blocklist(self) -> Path:
        """What the privacy gate must find beside what has a form; people write it."""
        return self.secrets_dir / "privacy_blocklist.txt"

    # the runtime directory, 0700
    @property
    def control_sock(self) -> Path:
        return self.runtime_dir / "control.sock"

    @property
    def output_sock(self) -> Path:
        return self.runtime_dir / "output.sock"


def find_paths(environment: Mapping[str, str], *, runtime_dir: Path, project: str) -> Paths:
    """Return the paths of a project as this environment sets them; "~" is its user's home."""
    return Paths(
        data_dir=find_data_dir(environment),
        secrets_dir=find_secrets_dir(environment),
        runtime_dir=runtime_dir,
        project=project,
    )


def kept_settings(data_dir: Path, config: Path) -> Path:
    """Return where the text of a settings file is kept: it must be found while the file says nothing.

    `config` is absolute and without links, as `Place` has it.
    """
    import hashlib  # noqa: PLC0415 - it takes as long to load as all else of `ccmux send`, which needs none

    return data_dir / "ccmux" / ".good" / f"{hashlib.sha256(os.fsencode(config)).hexdigest()}.toml"


def find_data_dir(environment: Mapping[str, str]) -> Path:
    """Return the data directory of all projects, as this environment sets it."""
    return _folder(environment, DATA_VARIABLE)


def find_secrets_dir(environment: Mapping[str, str]) -> Path:
    """Return the directory of secrets, as this environment sets it."""
    return _folder(environment, SECRETS_VARIABLE)


def find_live_api_key(environment: Mapping[str, str]) -> Path:
    """Return where the key lies by which a relay knows publishers, on both sides."""
    return find_secrets_dir(environment) / "live_api_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudePaths:
    """Where a Claude keeps its things.

    Attributes:
        config_dir: Registry, transcripts and settings.
        state_file: `.claude.json`; it is there once Claude was started by this user.

    """

    config_dir: Path
    state_file: Path


def claude_paths(environment: Mapping[str, str]) -> ClaudePaths:
    """Return where a Claude with this environment keeps its things."""
    home = Path(environment.get("HOME") or Path.home())
    said = environment.get("CLAUDE_CONFIG_DIR")
    config_dir = Path(said) if said else home / ".claude"
    return ClaudePaths(config_dir=config_dir, state_file=(config_dir if said else home) / ".claude.json")


def config_dir_of(transcript: str) -> Path | None:
    """Return the configuration folder that a transcript lies in: `DIR/projects/FOLDER/SESSION.jsonl`."""
    path = Path(transcript)
    return path.parents[2] if path.parts[-3:-2] == ("projects",) else None


@dataclass(frozen=True, slots=True)
class LivePaths:
    """What live status keeps for a user, below their data and secrets directories.

    `api_key` is what the relay knows us by.
    """

    data_dir: Path
    secrets_dir: Path
    api_key: Path

    @property
    def dir(self) -> Path:
        return self.data_dir / "live"

    @property
    def spool(self) -> Path:
        """Folder into which hooks put what begins and ends."""
        return self.dir / "spool"

    @property
    def lock(self) -> Path:
        """Whoever holds it is the publisher."""
        return self.dir / "publisher.lock"

    @property
    def database(self) -> Path:
        return self.dir / "live.db"

    @property
    def hook(self) -> Path:
        """The `sh` program that Claude's hooks start."""
        return self.dir / "hook.sh"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "logs" / "live.log"

    @property
    def noise_key(self) -> Path:
        """What the noise of sensitive prompts is made with; it never leaves this machine."""
        return self.secrets_dir / "live_noise_key"


def find_live_paths(environment: Mapping[str, str]) -> LivePaths:
    """Return the paths of this environment's user."""
    return LivePaths(
        find_data_dir(environment), find_secrets_dir(environment), find_live_api_key(environment)
    )


def read_secret(path: Path, *, at_most: int = _SECRET_BYTES) -> bytes | None:
    """Return what a file of secrets holds, its first `at_most` bytes; None where there is none.

    Raises:
        SecretUnsafe: The file or its folder is not ours, is open to others, or is no plain file; the sentence
            names the command that mends it.
        OSError: It cannot be read.

    """
    try:
        refuse_open(path.parent, path.parent.stat(), mode="700")
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        seen = os.fstat(file.fileno())
        if not stat.S_ISREG(seen.st_mode):
            raise SecretUnsafe(str(path), "it is no plain file", f"remove it: rm -r {_quoted(path)}")
        refuse_open(path, seen, mode="600")
        return file.read(at_most)


def refuse_open(path: Path, seen: os.stat_result, *, mode: str) -> None:
    """Refuse a file or folder of secrets that is not ours alone; `mode` is what mends it.

    Raises:
        SecretUnsafe: With that command.

    """
    if seen.st_uid != os.geteuid():
        way_out = f"set {SECRETS_VARIABLE} to a directory of yours"
        raise SecretUnsafe(str(path), f"it belongs to user {seen.st_uid}", way_out)
    if seen.st_mode & 0o077:
        raise SecretUnsafe(
            str(path), "others can read or change it", f"close it: chmod {mode} {_quoted(path)}"
        )


def _quoted(path: Path) -> str:
    import shlex  # noqa: PLC0415 - only where something is wrong

    return shlex.quote(str(path))


def _folder(environment: Mapping[str, str], variable: str) -> Path:
    return Path(environment.get(variable) or _DEFAULTS[variable]).expanduser().absolute()
