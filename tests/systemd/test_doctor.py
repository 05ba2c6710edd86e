"""`ccmux doctor` beside a real systemd: units that failed, changed or do not start are named, and mended."""

from __future__ import annotations

import json
from typing import Any

from tests.systemd.stand import PROGRAMS, SystemdStand


def doctor(stand: SystemdStand, *words: str) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Return what was found of systemd, by name: verdict and mend; and what was mended."""
    told: dict[str, Any] = json.loads(stand.ccmux("doctor", "--json", *words, check=False).stdout)
    found = {
        one["name"]: (one["verdict"], one["mend"]) for one in told["findings"] if one["area"] == "systemd"
    }
    return found, told.get("fixed", [])


def test_units_are_looked_at_and_mended_as_far_as_it_is_safe(systemd: SystemdStand) -> None:
    systemd.write_settings()
    assert doctor(systemd)[0]["units"] == ("warn", "ccmux-deploy")

    systemd.settings["timers"] = {"fails": {"startup_delay": "1ms", "exec": ["/bin/false"]}}
    systemd.settings["adapters"] = {"ends": {"exec": ["/bin/false"], "restart_delay": 0}}
    systemd.write_settings()
    systemd.run(str(PROGRAMS / "ccmux-deploy"), check=False)
    systemd.until_active("ccmux-fails.service", "failed")
    systemd.until_active("ccmux-ends.service", "failed")
    systemd.until_state("idle")
    systemd.systemctl("disable", "ccmux.target")  # and the files are read again
    unit = systemd.unit_dir / "ccmux.service"
    unit.write_text(unit.read_text() + "# by hand\n")

    found, fixed = doctor(systemd)
    assert fixed == []
    assert {name: verdict for name, (verdict, _) in found.items() if verdict != "ok"} == {
        "linger": "warn",  # there is no logind here
        "units": "warn",
        "ccmux-fails.service": "bad",
        "ccmux-ends.service": "bad",
        "ccmux.target": "bad",
    }
    assert found["ccmux.target"][1] == "systemctl --user enable ccmux.target"

    found, fixed = doctor(systemd, "--fix")
    assert sorted(fixed) == [
        "done: systemctl --user daemon-reload",
        "done: systemctl --user reset-failed ccmux-ends.service",
        "done: systemctl --user reset-failed ccmux-fails.service",
    ]
    assert "ccmux-fails.service" not in found
    assert found["ccmux-ends.service"] == ("bad", "systemctl --user start ccmux-ends.service")
    assert found["units"] == ("warn", "ccmux-deploy (--dry-run shows what changes)")
    assert doctor(systemd, "--fix")[1] == []

    del systemd.settings["adapters"]
    systemd.write_settings()
    systemd.run(str(PROGRAMS / "ccmux-deploy"), check=False)
    systemd.systemctl("reset-failed")
    found, _ = doctor(systemd)
    assert (found["manager"][0], found["units"]) == ("ok", ("ok", ""))
