"""The units as rendered, read and run by a real systemd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ccmux.core.settings import AdapterSettings, Settings, TimerSettings
from ccmux.core.units import render
from tests.house.stand import until
from tests.systemd.rendered import SETTINGS, deployment
from tests.systemd.stand import SystemdStand

ADAPTER = """\
#!/bin/sh
umask >"$1"
grep NoNewPrivs /proc/self/status >>"$1"
echo rings >"$2"
exec sleep 600
"""

DAEMON = """\
#!/bin/sh
systemd-run --user --scope --quiet --collect tmux -L inherited new-session -d \
    "exec >'FOLDER/seen'; grep -E 'NoNewPrivs|Seccomp:|CapBnd' /proc/self/status; umask; \
    readlink /proc/self/ns/mnt; ulimit -a; cat /proc/self/oom_score_adj; touch 'FOLDER/done'"
systemd-notify --ready
exec sleep 600
"""

RECONCILE = """\
#!/bin/sh
systemctl --user daemon-reload
systemctl --user restart ccmux.service
systemctl --user start ccmux.target ccmux.service
echo done >>'FOLDER/reconciled'
"""


def program(path: Path, text: str = "#!/bin/sh\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)
    return str(path)


def test_systemd_has_nothing_to_say_against_any_unit(shared_systemd: SystemdStand) -> None:
    """Not a word: also what it would ignore, and a program or page that is not there, is told."""
    where = deployment(shared_systemd.home)
    (where.project_dir / "scripts").mkdir(parents=True)
    programs = [*where.programs.values(), *(argv[0] for argv in where.execs.values())]
    for path in programs:
        if path.startswith(str(shared_systemd.home)):
            program(Path(path))
    door = (program(shared_systemd.home / "doorbell"), "--follow")
    where = replace(where, execs={**where.execs, "ccmux-door": door})
    folder = shared_systemd.folder / "verified"
    folder.mkdir()
    for name, text in render(SETTINGS, where).items():
        (folder / name).write_text(text)
    done = shared_systemd.run(
        *("systemd-analyze", "--user", "--man=no", "--recursive-errors=yes", "verify"),
        *(str(path) for path in sorted(folder.iterdir())),
        env={"SYSTEMD_UNIT_PATH": f"{folder}:"},
    )
    assert done.stdout + done.stderr == ""


def test_an_adapter_runs_restricted_and_still_writes_to_a_fifo_in_tmp(shared_systemd: SystemdStand) -> None:
    settings = Settings(adapters={"strict": AdapterSettings(restart_delay=0.5)})
    seen, fifo = shared_systemd.folder / "restricted", "/tmp/in.strict"
    argv = (program(shared_systemd.home / "strict", ADAPTER), str(seen), fifo)
    where = replace(deployment(shared_systemd.home), execs={"ccmux-strict": argv})
    where.project_dir.mkdir(exist_ok=True)
    text = render(settings, where)["ccmux-strict.service"]
    shared_systemd.write_unit("ccmux-strict.service", text)
    shared_systemd.run("mkfifo", fifo)
    shared_systemd.systemctl("start", "ccmux-strict.service")
    heard = shared_systemd.run("head", "-n", "1", fifo).stdout
    assert heard == "rings\n"
    assert seen.read_text().split() == ["0077", "NoNewPrivs:", "1"]
    shared_systemd.systemctl("stop", "ccmux-strict.service")


def test_what_the_daemon_starts_inherits_no_restriction_of_its_unit(shared_systemd: SystemdStand) -> None:
    """Claude lives in a tmux that the daemon started; a scope takes no restriction away."""
    seen: dict[str, str] = {}
    for name in ("bare", "ours"):
        folder = shared_systemd.folder / name
        where = deployment(shared_systemd.home)
        daemon = program(folder / "ccmux", DAEMON.replace("FOLDER", str(folder)))
        text = render(Settings(), replace(where, programs={**where.programs, "ccmux": daemon}))
        if name == "ours":
            unit = text["ccmux.service"].replace("NotifyAccess=main", "NotifyAccess=all")
        else:
            unit = f"[Service]\nType=notify\nNotifyAccess=all\nKillMode=process\nExecStart={daemon}\n"
        shared_systemd.write_unit(f"ccmux-{name}.service", unit)
        shared_systemd.systemctl("start", f"ccmux-{name}.service")
        until((folder / "done").exists, "tmux has told what it inherited")
        shared_systemd.systemctl("stop", f"ccmux-{name}.service")
        shared_systemd.run("tmux", "-L", "inherited", "kill-server", check=False)
        seen[name] = (folder / "seen").read_text()
    assert "Seccomp:\t0" in seen["bare"]
    assert seen["ours"] == seen["bare"]


def test_a_timer_starts_its_service_after_its_delay(shared_systemd: SystemdStand) -> None:
    done = shared_systemd.folder / "timer ran"
    settings = Settings(timers={"soon": TimerSettings(startup_delay="100ms", exec=("x",))})
    argv = ("/usr/bin/touch", str(done))
    where = replace(deployment(shared_systemd.home), execs={"ccmux-soon": argv})
    where.project_dir.mkdir(exist_ok=True)
    rendered = render(settings, where)
    for name in ("ccmux-soon.service", "ccmux-soon.timer"):
        shared_systemd.write_unit(name, rendered[name])
    shared_systemd.systemctl("start", "ccmux-soon.timer")
    until(done.exists, "the timer ran")
    shared_systemd.systemctl("stop", "ccmux-soon.timer")


def test_what_is_brought_up_to_date_at_boot_waits_for_nobody_who_waits_for_it(
    shared_systemd: SystemdStand,
) -> None:
    """As at boot, and on a machine that runs: it starts, restarts and waits for what it belongs to."""
    folder = shared_systemd.folder / "boot"
    where = deployment(shared_systemd.home)
    ready = "#!/bin/sh\nsystemd-notify --ready\nexec sleep 600\n"
    programs = {
        "ccmux": program(folder / "ccmux", ready),
        "ccmux-deploy": program(folder / "ccmux-deploy", RECONCILE.replace("FOLDER", str(folder))),
    }
    for name, text in render(Settings(), replace(where, programs=programs)).items():
        shared_systemd.write_unit(name, text.replace("NotifyAccess=main", "NotifyAccess=all"))
        shared_systemd.systemctl("enable", name)
    assert shared_systemd.property("ccmux.target", "ActiveState") == "inactive"
    shared_systemd.systemctl("start", "default.target")
    assert (folder / "reconciled").read_text() == "done\n"
    shared_systemd.until_active("ccmux-reconcile.service", "inactive")
    assert shared_systemd.property("ccmux-reconcile.service", "Result") == "success"
    assert shared_systemd.property("ccmux.service", "ActiveState") == "active"
    shared_systemd.systemctl("start", "ccmux-reconcile.service")
    assert (folder / "reconciled").read_text() == "done\ndone\n"
    shared_systemd.systemctl("disable", "--now", "ccmux.target", "ccmux-reconcile.service")
    shared_systemd.until_active("ccmux.service", "inactive")
