"""What timers send, from the rendered unit to Claude: also while the daemon is down, never piled up."""

from __future__ import annotations

import json

from ccmux.core.settings import Settings, TimerSettings
from ccmux.core.units import Deployment, render
from tests.house.stand import until
from tests.systemd.stand import PROGRAMS, SystemdStand

TEXT = """- it's "50 %" of $HOME, ${PATH} and $$5; %h %n `id` \\n \\\\ #{x} é 👋  two blanks"""


def test_messages_of_a_timer_wait_for_the_daemon_and_one_of_them_reaches_claude(
    systemd: SystemdStand,
) -> None:
    config = systemd.write_settings().rename(systemd.project / "other.toml")
    systemd.environment["CCMUX_CONFIG"] = str(config)
    where = Deployment(
        project_dir=systemd.project,
        config=config,
        home=systemd.home,
        programs={name: str(PROGRAMS / name) for name in ("ccmux", "ccmux-deploy")},
        path=systemd.environment["PATH"],
        execs={"ccmux-own": (str(PROGRAMS / "ccmux"), "send", "on its own")},
    )
    timers = {
        "mail": TimerSettings(startup_delay="1h", message=TEXT),
        "own": TimerSettings(startup_delay="1h", exec=("ccmux", "send", "on its own")),
    }
    units = render(Settings(timers=timers), where)
    for name in ("ccmux.service", "ccmux-mail.service", "ccmux-own.service"):
        systemd.write_unit(name, units[name])
    for _ in range(2):
        systemd.systemctl("start", "ccmux-mail.service")
        assert systemd.property("ccmux-mail.service", "Result") == "success"
    assert "taken at the next start, unless an earlier one of 'mail' still waits then" in systemd.journal(
        "ccmux-mail.service"
    )

    systemd.systemctl("start", "ccmux.service")
    systemd.until_state("idle")
    until(lambda: systemd.status()["queue"]["answered"] == 1, "the first was answered")
    assert sum(systemd.status()["queue"].values()) == 1
    log = (systemd.home / ".ccmux/data/logs/stand.log").read_text()
    assert log.count("messages skipped") == 1

    systemd.ccmux("pause")
    for _ in range(2):
        systemd.systemctl("start", "ccmux-mail.service")
    assert "skipped: message 2 of 'mail' still waits (paused)" in systemd.journal("ccmux-mail.service")
    systemd.ccmux("resume")
    until(lambda: systemd.status()["queue"]["answered"] == 2, "the second was answered")
    # a program that names no settings of its own reaches the same daemon
    systemd.systemctl("start", "ccmux-own.service")
    listed = json.loads(systemd.ccmux("messages", "--json").stdout)
    assert [message["content"] for message in listed] == ["on its own", TEXT, TEXT]
