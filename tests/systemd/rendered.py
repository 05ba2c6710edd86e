"""The folder `systemd/`: the units of `ccmux.toml.example`, its commented timers, adapters and relay live.

`python -m tests.systemd.rendered`, from the repository's folder, writes them anew after a change of the
settings or of `ccmux/core/units`; tests/core/test_units.py compares.
"""

from __future__ import annotations

from pathlib import Path

from ccmux.core.settings import ProjectSettings, RelaySettings, Settings
from ccmux.core.settings_text import EXAMPLES, FIRST_TIMERS
from ccmux.core.units import Deployment, render

FOLDER = Path(__file__).parents[2] / "systemd"
YOU = Path("/home/you")

SETTINGS = Settings(
    project=ProjectSettings(name="app"),
    timers={**FIRST_TIMERS, **EXAMPLES.timers},
    adapters=EXAMPLES.adapters,
    relay=RelaySettings(enabled=True, proxies=("127.0.0.1",)),
)


def deployment(home: Path, *, systemd: int | None = None) -> Deployment:
    """Return a user's deployment: the project in ~/app, ccmux in ~/ccmux."""
    programs = home / "ccmux/.venv/bin"
    return Deployment(
        project_dir=home / "app",
        config=home / "app/ccmux.toml",
        home=home,
        programs={name: str(programs / name) for name in ("ccmux", "ccmux-deploy", "ccmux-relay")},
        path=f"{home}/.local/bin:{programs}:/usr/local/bin:/usr/bin:/bin",
        execs={
            "ccmux-selfcheck": (str(programs / "python"), str(home / "ccmux/scripts/startup_selfcheck.py")),
            "ccmux-backup": (str(home / "app/scripts/backup"), *EXAMPLES.timers["backup"].exec[1:]),
            "ccmux-door": EXAMPLES.adapters["door"].exec,
        },
        systemd=systemd,
    )


def units() -> dict[str, str]:
    """Return what the folder must hold."""
    return render(SETTINGS, deployment(YOU))


def main() -> None:
    """Write it."""
    for path in FOLDER.glob("ccmux*"):
        path.unlink()
    for name, text in units().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
