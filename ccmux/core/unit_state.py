"""What the service manager says of a unit: plain values (systemctl(1) show, systemd.timer(5))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NoManager:
    """No user manager answers: why, and the way out of it."""

    why: str
    way_out: str

    def __str__(self) -> str:
        """Return both in one sentence."""
        return f"{self.why}: {self.way_out}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """One unit as it stands.

    Attributes:
        name: "ccmux.service".
        load: "loaded", "not-found", "bad-setting", "masked" ...
        active: "active", "activating", "inactive", "failed" ...
        sub: "running", "auto-restart", "waiting", "dead" ...
        file_state: "enabled", "static", "disabled" ...; "" where there is no file.
        part_of: Units whose stop stops it.
        result: How it last ended: "success", "exit-code", "signal", "watchdog", "start-limit-hit" ...
        exit_status: What its main process last returned, or the number of the signal that ended it.
        pid: Its main process; 0 is none.
        restarts: How often it was started anew by itself.
        since_s: Epoch seconds of its last change between active and not; None if there was none.
        needs_reload: Whether its file changed after the manager read it.
        next_s: Of a timer, epoch seconds of its next run; None if there is none.
        last_s: Of a timer, epoch seconds of its last run; None if there was none.

    """

    name: str
    load: str
    active: str
    sub: str = ""
    file_state: str = ""
    part_of: tuple[str, ...] = ()
    result: str = "success"
    exit_status: int = 0
    pid: int = 0
    restarts: int = 0
    since_s: float | None = None
    needs_reload: bool = False
    next_s: float | None = None
    last_s: float | None = None

    @property
    def is_enabled(self) -> bool:
        """Whether its [Install] holds for good.

        A reboot forgets "enabled-runtime", and "linked" says where the file is, not who starts the unit.
        """
        return self.file_state == "enabled"
