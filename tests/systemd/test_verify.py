"""A deployment that works verifies, what breaks it is found and mended as told, and Claude hears of it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ccmux.client import spool_message
from tests.house.stand import until
from tests.systemd.stand import PROGRAMS, SystemdStand

DEPLOY = str(PROGRAMS / "ccmux-deploy")
SELFCHECK = Path(__file__).parents[2] / "scripts/startup_selfcheck.py"
LOOK = re.compile(r"journalctl --user-unit \S+ -n 50 says why(?: \(what it printed: .*?\))?; then ")


@pytest.fixture(scope="module")
def deployment(shared_systemd: SystemdStand) -> Iterator[SystemdStand]:
    """A project with an adapter and timers, deployed and at work."""
    stand = shared_systemd
    stand.settings["adapters"] = {"door": {"exec": ["/bin/sleep", "100000"], "restart_delay": 0.01}}
    stand.settings["timers"] = {
        "selfcheck": {"startup_delay": "100ms", "exec": "scripts/startup_selfcheck.py"},
        "yearly": {"schedule": "*-01-01", "exec": ["/bin/true"]},
        "frail": {"schedule": "*-01-01", "exec": ["/bin/sh", "-c", f"test ! -e {stand.folder}/broken"]},
    }
    stand.write_settings()
    stand.run(DEPLOY)
    stand.until_state("idle")
    until(lambda: len(told(stand)) == 1, "Claude is told after the first start")
    yield stand
    stand.show()


@pytest.fixture
def deployed(deployment: SystemdStand) -> SystemdStand:
    """The deployment at rest: what the test before it started, the self-check above all, has ended."""
    until(lambda: is_at_rest(deployment), "the deployment is at rest")
    return deployment


def is_at_rest(stand: SystemdStand) -> bool:
    status = stand.status()
    return (
        stand.property("ccmux-selfcheck.timer", "SubState") == "elapsed"
        and stand.property("ccmux-selfcheck.service", "ActiveState") != "activating"
        and status.get("state") == "idle"
        and not any(status["queue"][state] for state in ("queued", "typing", "submitted", "started"))
    )


def verify(stand: SystemdStand) -> tuple[int, list[dict[str, Any]]]:
    done = stand.run(DEPLOY, "verify", "--json", check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)["findings"]


def told(stand: SystemdStand) -> list[str]:
    """Return the self-checks that the daemon has, oldest first."""
    said = json.loads(stand.ccmux("messages", "--json").stdout)
    return [message["content"] for message in reversed(said) if message["channel"] == "selfcheck"]


def test_a_healthy_deployment_verifies(deployed: SystemdStand) -> None:
    code, findings = verify(deployed)
    assert (code, [one for one in findings if one["verdict"] == "bad"]) == (0, [])
    seen = {(one["area"], one["name"]) for one in findings}
    assert seen >= {
        *(("target", "ccmux"), ("service", "ccmux"), ("service", "ccmux-reconcile")),
        *(("service", "ccmux-door"), ("timer", "ccmux-selfcheck"), ("service", "ccmux-selfcheck")),
        *(("timer", "ccmux-yearly"), ("service", "ccmux-yearly"), ("systemd", "linger")),
        *(("tmux", "ccmux-stand"), ("daemon", ""), ("claude", ""), ("port", ""), ("files", "runtime")),
    }
    (yearly,) = [one["says"] for one in findings if (one["area"], one["name"]) == ("timer", "ccmux-yearly")]
    assert re.fullmatch(r"next run 1 Jan \d{4} 00:00 \(in \d+ d \d+ h\); not run yet", yearly)

    table = deployed.run(DEPLOY, "verify").stdout
    assert re.search(r"(?m)^ok    service ccmux-door +active for \d+ s, pid \d+$", table)
    assert re.search(r"\n0 bad, \d to know of, \d+ ok\n\Z", table)  # there is no logind here


# ------------------------------------------------------------------------------------------- what breaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """Something that breaks a deployment.

    Attributes:
        does: Does it.
        area: Of the finding.
        name: Of the finding.
        says: A part of it.
        first: What else it takes to mend it, before the commands that the finding names.
        then: And what, after them.

    """

    does: Callable[[SystemdStand], object]
    area: str
    name: str
    says: str
    first: Callable[[SystemdStand], object] = lambda _stand: None
    then: Callable[[SystemdStand], object] = lambda _stand: None


def edited(name: str, old: str, new: str) -> Callable[[SystemdStand], object]:
    def does(stand: SystemdStand) -> None:
        path = stand.unit_dir / name
        assert old in path.read_text()
        stand.write_unit(name, path.read_text().replace(old, new))

    return does


def fail(stand: SystemdStand) -> None:
    (stand.folder / "broken").touch()
    stand.run("systemctl", "--user", "start", "ccmux-frail.service", check=False)


def delete(stand: SystemdStand) -> None:
    (stand.unit_dir / "ccmux-yearly.service").unlink()
    stand.systemctl("daemon-reload")


def replace_by_hand(stand: SystemdStand) -> None:
    path = stand.unit_dir / "ccmux-yearly.timer"
    path.unlink()
    path.write_text("[Timer]\nOnCalendar=daily\n")
    stand.systemctl("daemon-reload")


def clear_away(stand: SystemdStand) -> None:
    bad = [(one["area"], one["name"]) for one in verify(stand)[1] if one["verdict"] == "bad"]
    assert bad == [("deploy", "")], "nothing is said of a unit of somebody else's: its mend would touch it"
    (stand.unit_dir / "ccmux-yearly.timer").unlink()


def drop_in(stand: SystemdStand) -> None:
    path = stand.unit_dir / "ccmux-yearly.timer.d/mine.conf"
    path.parent.mkdir()
    path.write_text("[Timer]\nAccuracySec=2s\n")
    stand.systemctl("daemon-reload")  # one that is quite new is not even looked for before
    path.write_text("[Timer]\nAccuracySec=3s\n")


def crash_often(stand: SystemdStand) -> None:
    pid = ""

    def killed() -> bool:
        nonlocal pid
        now = stand.property("ccmux-door.service", "MainPID")
        if now not in {"0", pid}:
            stand.run("kill", "-9", now, check=False)
            pid = now
        return stand.property("ccmux-door.service", "ActiveState") == "failed"

    until(killed, "it is not started any more")


def lose_tmux(stand: SystemdStand) -> None:
    stand.systemctl("stop", "ccmux.service")
    stand.tmux("kill-session", "-t", "=ccmux-stand")
    stand.tmux("new-session", "-d", "-s", "ccmux-stand-other", "sleep", "100000")


def forget_adapter(stand: SystemdStand) -> None:
    stand.settings["adapters"].pop("door")
    stand.write_settings()


def add_proxy(stand: SystemdStand) -> None:
    stand.settings["claude"]["proxy"] = "http://somebody:hush@127.0.0.1:9"
    stand.write_settings()


def drop_proxy(stand: SystemdStand) -> None:
    del stand.settings["claude"]["proxy"]
    stand.write_settings()


HARMS = {
    "a stopped adapter": Harm(
        does=lambda stand: stand.systemctl("stop", "ccmux-door.service"),
        area="service",
        name="ccmux-door",
        says="is stopped since ",
    ),
    "a disabled unit": Harm(
        does=lambda stand: stand.systemctl("disable", "ccmux-door.service"),
        area="service",
        name="ccmux-door",
        says="does not start at boot (disabled)",
    ),
    "a timer that failed": Harm(
        does=fail,
        area="service",
        name="ccmux-frail",
        says="failed with exit-code 1 at ",
        first=lambda stand: (stand.folder / "broken").unlink(),
    ),
    "a unit edited by hand": Harm(
        does=edited("ccmux-door.service", "Restart=always", "Restart=no"),
        area="service",
        name="ccmux-door",
        says="is another text than ccmux.toml asks for",
    ),
    "a unit that is no part of the target": Harm(
        does=edited("ccmux-door.service", "PartOf=ccmux.target\n", ""),
        area="service",
        name="ccmux-door",
        says="is not part of ccmux.target: a stop of that does not stop it",
    ),
    "a drop-in that was not read": Harm(
        does=drop_in,
        area="timer",
        name="ccmux-yearly",
        says="changed after systemd read it",
    ),
    "an adapter that ended too often": Harm(
        does=crash_often,
        area="service",
        name="ccmux-door",
        says="failed with signal 9 at ",
    ),
    "a unit that was deleted": Harm(
        does=delete,
        area="service",
        name="ccmux-yearly",
        says="is not there",
    ),
    "a unit that was deleted, and systemd does not know": Harm(
        does=lambda stand: (stand.unit_dir / "ccmux-yearly.service").unlink(),
        area="service",
        name="ccmux-yearly",
        says="is not there",
    ),
    "a file of somebody else's in a unit's place": Harm(
        does=replace_by_hand,
        area="deploy",
        name="",
        says="ccmux-yearly.timer is there already and was not made by ccmux-deploy",
        first=clear_away,
        then=lambda stand: stand.run(DEPLOY),
    ),
    "a unit that nothing calls for": Harm(
        does=forget_adapter,
        area="service",
        name="ccmux-door",
        says="is left over: no setting calls for it any more",
    ),
    "a session that was killed, beside one with a longer name": Harm(
        does=lose_tmux,
        area="tmux",
        name="ccmux-stand",
        says="can't find session: ccmux-stand",
        then=lambda stand: stand.until_state("idle"),
    ),
    "a proxy that is down": Harm(
        does=add_proxy,
        area="proxy",
        name="",
        says="127.0.0.1:9 does not answer: connection refused",
        first=drop_proxy,
    ),
}


def mended_by(mend: str) -> list[str]:
    """Return the commands that a finding names; none where it asks for a change of ccmux.toml."""
    command = LOOK.sub("", mend).rpartition("if not: ")[2]
    return command.split(" && ") if command.startswith(("systemctl", "ccmux-deploy")) else []


@pytest.mark.parametrize("harm", HARMS)
def test_what_breaks_it_is_found_and_mended_as_told(deployed: SystemdStand, harm: str) -> None:
    done = HARMS[harm]
    done.does(deployed)
    code, findings = verify(deployed)
    assert code == 1
    (found,) = [
        one
        for one in findings
        if (one["area"], one["name"], one["verdict"]) == (done.area, done.name, "bad")
        and one["says"].startswith(done.says)
    ]
    assert "hush" not in json.dumps(findings)

    done.first(deployed)
    for command in mended_by(found["mend"]):
        deployed.run(*command.split())
    done.then(deployed)
    code, findings = verify(deployed)
    assert not (bad := [one for one in findings if one["verdict"] == "bad"]), bad
    assert code == 0


def test_a_daemon_that_does_not_come_up_is_told_with_its_reason(
    deployed: SystemdStand,
) -> None:
    stand = deployed
    stand.systemctl("stop", "ccmux.service")
    with socket.socket() as impostor:
        impostor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        impostor.bind(("127.0.0.1", stand.port))
        impostor.listen()
        stand.run("systemctl", "--user", "start", "--no-block", "ccmux.service")
        until(lambda: stand.property("ccmux.service", "SubState") == "auto-restart", "it ended")
        stand.run("journalctl", "--sync")
        code, findings = verify(stand)
        said = stand.ccmux("status", check=False).stderr
        doctors = json.loads(stand.ccmux("doctor", "--json", check=False).stdout)["findings"]
    stand.systemctl("restart", "ccmux.service")
    stand.until_state("idle")
    assert code == 1
    [bad] = [one for one in findings if one["verdict"] == "bad"]
    reason = f"port {stand.port} on 127.0.0.1 is taken by another program"
    assert (bad["area"], bad["name"], reason in bad["says"]) == ("service", "ccmux", True)
    assert "well" not in bad["says"]
    assert "systemd tries again and again: journalctl --user-unit ccmux.service -n 20 says why" in said
    [unit] = [one for one in doctors if one["name"] == "ccmux.service"]
    assert (unit["verdict"], reason in unit["says"]) == ("bad", True)
    [daemon] = [one for one in doctors if one["area"] == "daemon"]
    assert "journalctl" in daemon["mend"]
    assert "start it with" not in daemon["mend"]


def test_what_was_stopped_is_one_finding_and_its_mend_starts_all(deployed: SystemdStand) -> None:
    stand = deployed
    stand.systemctl("stop", "ccmux.target")
    until(lambda: stand.property("ccmux.service", "ActiveState") == "inactive", "it stopped")
    code, findings = verify(stand)
    said = stand.ccmux("status", check=False).stderr
    [bad] = [one for one in findings if one["verdict"] == "bad"]
    assert (code, findings[0], bad["mend"]) == (1, bad, "systemctl --user start ccmux.target")
    assert re.fullmatch(r"stopped by hand since .*; with it \d more units", bad["says"])
    assert said.endswith("start it with `systemctl --user start ccmux.target`\n")
    stand.run(*bad["mend"].split())
    stand.until_state("idle")
    assert not [one for one in verify(stand)[1] if one["verdict"] == "bad"]


def test_in_another_project_the_deployment_is_told_and_nothing_that_harms_it(deployed: SystemdStand) -> None:
    other = deployed.folder / "second"
    other.mkdir()
    (other / "ccmux.toml").write_text(
        f'[runtime]\ndir = "{deployed.folder}/second-run"\n[mcp]\nport = {deployed.port}\n'
    )
    done = deployed.run(DEPLOY, "verify", "--json", check=False, cwd=other)
    [found] = json.loads(done.stdout)["findings"]
    assert (done.returncode, found["area"], found["verdict"]) == (1, "deploy", "bad")
    assert f"that of {deployed.project}/ccmux.toml" in found["says"]
    doctors = deployed.run(str(PROGRAMS / "ccmux"), "doctor", "--json", check=False, cwd=other).stdout
    mends = {one["area"]: one["mend"] for one in json.loads(doctors)["findings"] if one["mend"]}
    assert mends["daemon"] == "start it with `ccmux`"
    assert mends["port"] == "set another [mcp] port in ccmux.toml"
    assert "systemctl" not in doctors


def bad(stand: SystemdStand) -> list[tuple[str, str]]:
    return [(one["area"], one["says"]) for one in verify(stand)[1] if one["verdict"] == "bad"]


def test_a_typo_in_the_settings_takes_nobody_down_and_claude_is_told(deployed: SystemdStand) -> None:
    stand, before = deployed, len(told(deployed))
    config = stand.project / "ccmux.toml"
    good = config.read_text()
    config.write_text(good + "x = [\n")
    claude, first = stand.status()["pid"], stand.property("ccmux.service", "MainPID")
    stand.systemctl("restart", "ccmux.service")
    assert stand.property("ccmux.service", "MainPID") not in {"0", first}
    status = stand.until_state("idle")
    assert status["pid"] == claude
    assert "is not valid TOML" in status["settings"]["wrong"][0]
    older = "Claude is idle; ccmux.toml is wrong, older settings are used"
    until(lambda: stand.property("ccmux.service", "StatusText") == older, "systemctl status says it")
    assert '"event": "settings wrong"' in stand.journal("ccmux.service")

    sent = stand.ccmux("send", "--wait", "answered", "--timeout", "25", "are you there?")
    assert "ccmux.toml is wrong (the file is not valid TOML" in sent.stderr
    started(stand, "ccmux-selfcheck.service")
    until(lambda: len(told(stand)) == before + 1, "Claude is told")
    assert f"\nBAD: settings: {config}: it is wrong, the one of " in told(stand)[-1]
    ((area, says),) = bad(stand)
    assert (area, "not valid TOML" in says) == ("settings", True)
    refused = stand.run(DEPLOY, check=False)
    assert (refused.returncode, "not valid TOML" in refused.stderr) == (1, True)

    config.unlink()
    [gone] = [one for one in verify(stand)[1] if one["verdict"] == "bad"]
    assert (gone["area"], "it is gone, the one of " in gone["says"]) == ("settings", True)
    stand.systemctl("restart", "ccmux.service")
    assert "the file is gone" in stand.until_state("idle")["settings"]["wrong"][0]
    stand.run(*gone["mend"].split())
    assert config.read_text() == good

    stand.run(DEPLOY)
    stand.systemctl("restart", "ccmux.service")
    assert stand.until_state("idle")["settings"] is None
    assert (bad(stand), stand.status()["pid"]) == ([], claude)


# ------------------------------------------------------------------------------------ what Claude is told


def prompts(stand: SystemdStand) -> list[str]:
    """Return what the agent was asked, by its own transcripts."""
    lines = [
        json.loads(line)
        for path in (stand.home / "claude").rglob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return [str(line["message"]["content"]) for line in lines if line.get("type") == "user"]


def started(stand: SystemdStand, unit: str) -> subprocess.CompletedProcess[str]:
    return stand.run("systemctl", "--user", "start", unit)


def test_claude_is_told_after_each_start_what_happened_before(deployed: SystemdStand) -> None:
    stand, before = deployed, len(told(deployed)) + 1
    kept = stand.home / ".ccmux/data/ccmux/stand/selfcheck.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    # A start by hand: how often systemd started it for other tests is forgotten, and all of that is told.
    stand.systemctl("restart", "ccmux.service")
    stand.until_state("idle")
    started(stand, "ccmux-selfcheck.service")
    until(lambda: len(told(stand)) == before, "Claude is told of what was before")

    first = json.loads(kept.read_text())
    pid = stand.property("ccmux.service", "MainPID")
    stand.run("kill", "-9", pid)
    until(lambda: stand.property("ccmux.service", "MainPID") not in {"0", pid}, "the daemon runs again")
    stand.until_state("idle")
    (stand.folder / "broken").touch()
    stand.run("systemctl", "--user", "start", "ccmux-frail.service", check=False)
    started(stand, "ccmux-selfcheck.service")
    until(lambda: len(told(stand)) == before + 1, "Claude is told")
    text = told(stand)[-1]
    assert text.startswith("Self-check: 1 bad, ")
    assert "\nBAD: service ccmux-frail: failed with exit-code 1 at " in text
    assert re.search(
        r"\nnote: daemon: the daemon was killed or crashed; it runs again since .* later\n", text
    )
    assert "all is well" not in text
    assert json.loads(kept.read_text())["since"] == first["at"]

    until(lambda: any("the daemon was killed or crashed" in one for one in prompts(stand)), "it was typed")
    assert any(re.search(r"\[\d\d:\d\d selfcheck\] Self-check: 1 bad, ", one) for one in prompts(stand))

    # What is still so is told again; the same message on another way is taken once.
    stand.systemctl("stop", "ccmux.target")
    stand.systemctl("start", "ccmux.target")
    stand.until_state("idle")
    until(lambda: len(told(stand)) == before + 2, "Claude is told after the start of the target")
    text = told(stand)[-1]
    assert "\nBAD: still service ccmux-frail: failed" in text
    assert "note: daemon: the daemon was stopped; it runs again since " in text
    assert "killed" not in text
    again = {
        "channel": "selfcheck",
        "content": text,
        "id": f"selfcheck-{json.loads(kept.read_text())['at']:.3f}",
    }
    spool_message(stand.home / ".ccmux/data/ccmux/stand/spool", again)
    stand.ccmux("send", "--wait", "answered", "--timeout", "25", "go on")
    assert len(told(stand)) == before + 2

    (stand.folder / "broken").unlink()
    started(stand, "ccmux-frail.service")
    started(stand, "ccmux-selfcheck.service")
    until(lambda: len(told(stand)) == before + 3, "Claude is told")
    assert re.fullmatch(r"Self-check: all is well since \d\d:\d\d \(.* ago\)\.", told(stand)[-1])


def test_a_self_check_while_the_daemon_is_down_is_told_at_its_start(deployed: SystemdStand) -> None:
    stand, before = deployed, len(told(deployed))
    stand.systemctl("stop", "ccmux.service")
    done = stand.run("/usr/bin/env", "python3", str(SELFCHECK), "--dry-run")
    assert "\nBAD: service ccmux: is stopped since " in done.stdout
    assert "BAD: daemon" not in done.stdout, "it is told with the unit"
    stand.systemctl("start", "ccmux.service")
    stand.until_state("idle")
    assert len(told(stand)) == before  # a dry run sends nothing
