"""The systemd of the tests is a real one, and it is not the machine's."""

from __future__ import annotations

from tests.systemd.stand import SystemdStand

UNIT = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo started below $HOME'
"""


def test_a_unit_of_the_user_runs_and_its_journal_is_read(systemd: SystemdStand) -> None:
    systemd.write_unit("hello.service", UNIT)
    systemd.systemctl("start", "hello.service")
    systemd.until_active("hello.service")
    assert f"started below {systemd.home}" in systemd.journal("hello.service").splitlines()


def test_no_variable_of_the_machine_reaches_it(systemd: SystemdStand) -> None:
    names = {line.partition("=")[0] for line in systemd.systemctl("show-environment").splitlines()}
    assert names <= {*systemd.environment, "PWD", "SHLVL", "_", "SHELL", "QT_ACCESSIBILITY"} | {
        "DBUS_SESSION_BUS_ADDRESS",
        "SYSTEMD_EXEC_PID",
    }
