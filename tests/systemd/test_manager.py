"""What the user's systemd is asked and told reaches it, and its answers are read as they are."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.house.stand import until
from tests.systemd.stand import SystemdStand

FAILS = "[Unit]\nPartOf=ccmux.target\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 3'\n"
SLEEPS = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n"
DAILY = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"


def ask(stand: SystemdStand, does: str, **env: str) -> Any:
    """Return what the lines of Python print as JSON, with a `manager` of the stand's user."""
    program = (
        "import dataclasses, json, os\n"
        "from ccmux.core.errors import CcmuxError\n"
        "from ccmux.drivers.systemd.manager import UserManager\n"
        "manager = UserManager(os.environ)\n"
        "def tell(value): print(json.dumps(value, default=dataclasses.asdict))\n" + does
    )
    return json.loads(stand.run(sys.executable, "-c", program, env=env).stdout)


def test_units_live_fail_and_are_forgotten(shared_systemd: SystemdStand) -> None:
    began_s = time.time() - 1
    for name, text in {
        "ccmux-fails.service": FAILS,
        "ccmux-day.service": FAILS,
        "ccmux-day.timer": DAILY,
        "ccmux-sleeps.service": SLEEPS,
    }.items():
        (shared_systemd.unit_dir / name).write_text(text)

    fails, day, sleeps, absent = ask(
        shared_systemd,
        "manager.reload()\n"
        "manager.enable('ccmux-day.timer', 'ccmux-sleeps.service')\n"
        "manager.start('ccmux-day.timer', 'ccmux-sleeps.service')\n"
        "try: manager.start('ccmux-fails.service')\n"
        "except CcmuxError: pass\n"
        "names = ['ccmux-fails.service', 'ccmux-day.timer', 'ccmux-sleeps.service', 'ccmux-no.service']\n"
        "tell(manager.units(names))",
    )
    assert (fails["active"], fails["result"], fails["exit_status"]) == ("failed", "exit-code", 3)
    assert (fails["part_of"], fails["file_state"]) == (["ccmux.target"], "static")
    assert (day["active"], day["sub"], day["file_state"]) == ("active", "waiting", "enabled")
    assert day["last_s"] is None
    assert began_s < day["next_s"] < began_s + 2 * 86_400
    assert (sleeps["sub"], sleeps["pid"] > 0) == ("running", True)
    assert began_s < sleeps["since_s"] <= time.time() + 1
    assert (absent["load"], absent["active"], absent["since_s"]) == ("not-found", "inactive", None)

    shared_systemd.run("journalctl", "--sync")
    failures, before = ask(
        shared_systemd,
        f"tell([manager.failures({began_s}), manager.failures({began_s} + 3600)])",
    )
    assert [(unit, result) for _, unit, result in failures] == [("ccmux-fails.service", "exit-code")]
    assert began_s < failures[0][0] < time.time() + 1
    assert before == []

    (sleeps_again,) = ask(
        shared_systemd,
        "manager.try_restart('ccmux-sleeps.service', 'ccmux-day.timer', 'ccmux-fails.service')\n"
        "tell(manager.units(['ccmux-sleeps.service']))",
    )
    assert sleeps_again["pid"] not in {0, sleeps["pid"]}

    gone = ask(
        shared_systemd,
        "manager.reset_failed('ccmux-fails.service', 'ccmux-no.service')\n"
        "manager.disable_now('ccmux-day.timer')\n"
        "manager.stop('ccmux-sleeps.service')\n"
        "for none in (manager.enable, manager.start, manager.stop, manager.reset_failed): none()\n"
        "tell(manager.units(['ccmux-fails.service', 'ccmux-day.timer', 'ccmux-sleeps.service']))",
    )
    assert [(unit["active"], unit["file_state"]) for unit in gone] == [
        ("inactive", "static"),
        ("inactive", "disabled"),
        ("inactive", "enabled"),
    ]


def test_of_failures_without_number_the_newest_are_told_the_oldest_of_them_first(
    shared_systemd: SystemdStand,
) -> None:
    began_s = time.time() - 1
    (shared_systemd.unit_dir / "ccmux-often.service").write_text(FAILS)
    ask(
        shared_systemd,
        "manager.reload()\n"
        "for _ in range(3):\n"
        "    try: manager.start('ccmux-often.service')\n"
        "    except CcmuxError: pass\n"
        "tell(None)",
    )
    shared_systemd.run("journalctl", "--sync")
    every, newest = ask(
        shared_systemd,
        "from ccmux.drivers.systemd import manager as module\n"
        f"every = manager.failures({began_s})\n"
        "module._MOST_FAILURES = 4  # two lines tell of each\n"
        f"tell([every, manager.failures({began_s})])",
    )
    assert [unit for _, unit, _ in every[-3:]] == ["ccmux-often.service"] * 3
    assert every == sorted(every)
    assert newest == every[-2:]


def test_the_reason_is_that_of_the_last_end_however_much_was_printed(shared_systemd: SystemdStand) -> None:
    begun = "[Service]\nSyslogIdentifier=ccmux-wordy\nExecStart=/bin/sh -c "
    asks = "tell(manager.reason('ccmux-wordy', since_s=0, running={}))"

    def run(does: str) -> None:
        shared_systemd.write_unit("ccmux-wordy.service", f'{begun}"{does}"\n')
        shared_systemd.systemctl("start", "ccmux-wordy.service")

    run("echo ccmux: it begins; seq 200; echo ccmux: the disk is full; exit 1")
    shared_systemd.until_active("ccmux-wordy.service", "failed")
    shared_systemd.run("journalctl", "--sync")
    assert ask(shared_systemd, asks.format(0)) == "the disk is full"

    run("echo ccmux: hush; exec sleep 1000")
    pid = shared_systemd.property("ccmux-wordy.service", "MainPID")
    until(lambda: "hush" in shared_systemd.journal("ccmux-wordy.service"), "it said something")
    assert ask(shared_systemd, asks.format(pid)) == "the disk is full"


def test_what_it_refuses_is_told_in_its_own_words(shared_systemd: SystemdStand) -> None:
    assert ask(
        shared_systemd,
        "try: manager.start('ccmux-no.service')\nexcept CcmuxError as error: tell(str(error))",
    ) == (
        "systemctl --user start ccmux-no.service: "
        "Failed to start ccmux-no.service: Unit ccmux-no.service not found."
    )


def test_calendars_are_judged_by_systemd_itself(shared_systemd: SystemdStand) -> None:
    good, bad, empty = ask(
        shared_systemd,
        "tell([manager.calendar_problem(text) for text in ('Mon..Fri 09:00', 'Mon..Frei', '')])",
    )
    assert good is None
    assert bad == "Failed to parse calendar specification 'Mon..Frei': Invalid argument"
    assert "Invalid argument" in empty


def test_a_manager_that_is_there_is_reachable_also_without_its_variable(
    shared_systemd: SystemdStand,
) -> None:
    assert ask(shared_systemd, "tell([manager.unreachable(), manager.version()])", XDG_RUNTIME_DIR="") == [
        None,
        int(shared_systemd.run("systemctl", "--version").stdout.split()[1]),
    ]


def test_what_is_missing_is_named_with_the_way_out(shared_systemd: SystemdStand) -> None:
    nobody = ask(shared_systemd, "tell(str(manager.unreachable()))", XDG_RUNTIME_DIR=str(shared_systemd.home))
    assert "no user manager runs for root" in nobody
    assert "`sudo loginctl enable-linger root`" in nobody
    no_tools = ask(shared_systemd, "tell(str(manager.unreachable()))", PATH=str(shared_systemd.home))
    assert no_tools.startswith("systemctl is not on the PATH: use a machine that systemd boots, or run ")


def test_lingering_is_unknown_without_logind_unless_its_mark_is_there(shared_systemd: SystemdStand) -> None:
    lingers, refusal = ask(shared_systemd, "tell([manager.lingering(), manager.enable_linger()])")
    assert lingers is None
    assert "Failed to connect to bus" in refusal


def test_the_next_run_of_a_calendar_is_in_local_time(shared_systemd: SystemdStand) -> None:
    program = "tell([manager.next_run(one, after_s=1795194000) for one in ('07:00', '2020-01-01', 'no')])"
    assert ask(shared_systemd, program, TZ="UTC") == [1795244400.0, None, None]
    assert ask(shared_systemd, program, TZ="Asia/Hong_Kong") == [1795215600.0, None, None]
