"""The tables that stand once: every key, its default, its meaning and what it may be.

One dataclass a TOML table; the class docstrings are the words users read in `ccmux.toml.example` as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccmux.core.settings import checks

if TYPE_CHECKING:
    from ccmux.core.settings.named import AdapterSettings, TaskSettings, TimerSettings


def _check(check: checks.Check) -> dict[str, checks.Check]:
    return {"check": check}


_SECONDS = _check(checks.number("a number of seconds, 0 or more"))
_SOME_SECONDS = _check(checks.number("a number of seconds above 0", above=0))
_DAYS = _check(checks.number("a number of days above 0", above=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """What this place is called.

    Attributes:
        name: The tmux session is ccmux-NAME, the state lies in ~/.ccmux/data/ccmux/NAME; "" is the
            folder's name. Letters, digits, _ and -.

    """

    name: str = field(
        default="",
        metadata=_check(
            checks.matching(f"(?:{checks.NAME_RULE})?", "must be letters, digits, _ and -, at most 64")
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """Where FIFOs and sockets are.

    Attributes:
        dir: Made by the daemon, for you alone (0700); absolute or ~/...; one daemon a directory.

    """

    dir: str = field(default="/tmp/ccmux", metadata=_check(checks.folder))  # noqa: S108 - promised to writers


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingSettings:
    """When a message may be typed.

    Attributes:
        idle_threshold: Seconds without a key of yours at the attached terminal before ccmux types.
        silence_timeout: Seconds after a prompt in which a Claude that looks idle is not believed to be, where
            nothing told the end of its turn.
        draft_patience_s: Seconds after which a draft of yours that nobody touches is put aside (Ctrl-S) for
            a message; Claude puts it back at once. 0 is never: messages wait for you.

    """

    idle_threshold: float = field(default=30, metadata=_SECONDS)
    silence_timeout: float = field(default=3, metadata=_SECONDS)
    draft_patience_s: float = field(default=0, metadata=_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpSettings:
    """The HTTP face on 127.0.0.1: MCP, API, event streams.

    Attributes:
        port: TCP port, 1 to 65535; every daemon of this machine needs its own.

    """

    port: int = field(default=9876, metadata=_check(checks.whole(1, 65535)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeSettings:
    """How Claude Code is started.

    Attributes:
        command: The program and its first words, as a list.
        args: Arguments behind it; those by which ccmux leads the session (--resume, ...) are refused.
        proxy: HTTP_PROXY and HTTPS_PROXY of Claude alone: "http://host:port", socks5:// works too; "" none.
        env: More environment variables of Claude's: { NAME = "value" }.
        trust_folder: true answers Claude's folder-trust question with yes; false leaves it to you.

    """

    command: tuple[str, ...] = field(default=("claude",), metadata=_check(checks.command))
    args: tuple[str, ...] = field(
        default=("--dangerously-skip-permissions",), metadata=_check(checks.claude_arguments)
    )
    proxy: str = field(
        default="",
        metadata=_check(
            checks.matching(
                r"(?:(?:https?|socks[45][ah]?)://[^\s/]+/?)?", "must be a URL like http://host:port"
            )
        ),
    )
    env: Mapping[str, str] = field(default_factory=dict, metadata=_check(checks.variables))
    trust_folder: bool = field(default=False, metadata=_check(checks.yes_no))


@dataclass(frozen=True, slots=True, kw_only=True)
class TmuxSettings:
    """Which tmux server hosts the session.

    Attributes:
        socket: A name for `tmux -L`; "" is the default server.

    """

    socket: str = field(
        default="",
        metadata=_check(
            checks.matching(f"(?:{checks.NAME_RULE})?", "must be a name of letters, digits, _ and -")
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySettings:
    """What happens after Claude died.

    Attributes:
        backoff_initial: Seconds before the first restart; doubled at each crash.
        backoff_cap: Seconds it never waits longer than.
        reset_after_s: Seconds of health after which the wait starts small again; 0 is never.
        continue_crashed: true asks Claude to go on with what a crash of it cut; at most three times each.

    """

    backoff_initial: float = field(default=1, metadata=_SOME_SECONDS)
    backoff_cap: float = field(default=60, metadata=_SOME_SECONDS)
    reset_after_s: float = field(default=0, metadata=_SECONDS)
    continue_crashed: bool = field(default=True, metadata=_check(checks.yes_no))


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionSettings:
    """How much is typed at once.

    Attributes:
        batch_messages: Waiting messages in one injection, at most.
        batch_chars: Characters in one injection, at most.
        inline_chars: A message longer than this is kept in a file, and Claude is told where.

    """

    batch_messages: int = field(default=20, metadata=_check(checks.whole(1, 1_000)))
    batch_chars: int = field(default=20_000, metadata=_check(checks.whole(100, 1_000_000)))
    inline_chars: int = field(default=20_000, metadata=_check(checks.whole(100, 1_000_000)))


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    """What is taken from writers.

    Attributes:
        max_message_bytes: The longest line; longer ones are kept as dead letters.
        remember_ids: Days for which a sender's own id is taken only once.

    """

    max_message_bytes: int = field(default=1_048_576, metadata=_check(checks.whole(4_096, 67_108_864)))
    remember_ids: float = field(default=7, metadata=_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """What subscribers get.

    Attributes:
        backlog_bytes: A subscriber that lags by more is cut off and told where to go on.
        keep_events: Days the event log is kept.

    """

    backlog_bytes: int = field(default=8_388_608, metadata=_check(checks.whole(65_536, 1_073_741_824)))
    keep_events: float = field(default=30, metadata=_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """Who is shown what your Claude Code sessions do: a relay, and whoever looks at its page.

    Attributes:
        endpoint: The relay: "https://host", "http://host:port"; "" is nobody. CC_LIVE_ENDPOINT in the
            environment goes before it, and CC_LIVE_API_KEY before the key in ~/.ccmux/secrets/live_api_key.
        source: What the relay calls this machine; "" is a name that says nothing.
        redact: true puts [email], [phone], [key], [path] and the like in the place of what is personal.
        projects: Only sessions in these folders are shown: names, or paths that stand for all below them;
            none shows all.

    """

    endpoint: str = field(
        default="",
        metadata=_check(
            checks.matching(r"(?:https?://[^\s/?#@]+(?:/[^\s?#]*)?)?", "must be a URL like https://host")
        ),
    )
    source: str = field(
        default="",
        metadata=_check(
            checks.matching("[A-Za-z0-9_.-]{0,64}", "must be letters, digits, _ . -, at most 64")
        ),
    )
    redact: bool = field(default=True, metadata=_check(checks.yes_no))
    projects: tuple[str, ...] = field(default=(), metadata=_check(checks.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """The relay: it shows to all who look what sessions report; most often it runs on another host.

    Attributes:
        enabled: true lets ccmux-deploy run it here too, with the key in secrets/live_api_key.
        host: Where it listens: 127.0.0.1 is this machine alone, 0.0.0.0 or :: is everywhere.
        port: TCP port, 1 to 65535.
        origins: Sites beside its own whose pages may look: ["https://blog.example.com"]; ["*"] is all.
        proxies: Addresses or networks of proxies whose word on addresses is believed: ["127.0.0.1"].
        certfile: For TLS without a proxy: the certificate chain, in PEM; absolute or ~/...
        keyfile: Its key.

    """

    enabled: bool = field(default=False, metadata=_check(checks.yes_no))
    host: str = field(default="127.0.0.1", metadata=_check(checks.host))
    port: int = field(default=8080, metadata=_check(checks.whole(1, 65535)))
    origins: tuple[str, ...] = field(default=(), metadata=_check(checks.origins))
    proxies: tuple[str, ...] = field(default=(), metadata=_check(checks.networks))
    certfile: str = field(default="", metadata=_check(checks.file_path))
    keyfile: str = field(default="", metadata=_check(checks.file_path))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """What git commits in this folder, where it uses the hooks of ccmux.

    Attributes:
        require_token: true lets a commit pass only when three reviews of Claude's passed it; false looks for
            personal data by form and blocklist alone, and says so at each commit.
        review_limit_s: Seconds one review may take.

    """

    require_token: bool = field(default=True, metadata=_check(checks.yes_no))
    review_limit_s: float = field(default=600, metadata=_SOME_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All tables. Each service is given its own table, never this."""

    project: ProjectSettings = field(default_factory=ProjectSettings)
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)
    timing: TimingSettings = field(default_factory=TimingSettings)
    mcp: McpSettings = field(default_factory=McpSettings)
    claude: ClaudeSettings = field(default_factory=ClaudeSettings)
    tmux: TmuxSettings = field(default_factory=TmuxSettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    injection: InjectionSettings = field(default_factory=InjectionSettings)
    input: InputSettings = field(default_factory=InputSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    relay: RelaySettings = field(default_factory=RelaySettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    timers: Mapping[str, TimerSettings] = field(default_factory=dict)
    adapters: Mapping[str, AdapterSettings] = field(default_factory=dict)
    overseer_tasks: Mapping[str, TaskSettings] = field(default_factory=dict)


TABLES: Mapping[str, type] = {
    "project": ProjectSettings,
    "runtime": RuntimeSettings,
    "timing": TimingSettings,
    "mcp": McpSettings,
    "claude": ClaudeSettings,
    "tmux": TmuxSettings,
    "recovery": RecoverySettings,
    "injection": InjectionSettings,
    "input": InputSettings,
    "output": OutputSettings,
    "live": LiveSettings,
    "relay": RelaySettings,
    "privacy": PrivacySettings,
}
