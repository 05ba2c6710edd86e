"""Who starts a place's daemon is read from the user's unit files, and from systemd where it can be asked."""

from __future__ import annotations

from pathlib import Path

from ccmux.core.errors import Unreached
from ccmux.core.starting import OTHER_PLACE, Starting
from ccmux.core.units.syntax import unit
from ccmux.place import place_at, starting_at


def deployed_from(config: Path, tmp_path: Path) -> dict[str, str]:
    """Return an environment whose user has a daemon's unit of this settings file."""
    folder = tmp_path / "config/systemd/user"
    folder.mkdir(parents=True)
    (folder / "ccmux.service").write_text(unit(config, {"Service": ["ExecStart=/x"]}))
    # There is nobody to ask: no systemctl.
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": str(tmp_path)}


def test_the_unit_of_this_file_starts_it(tmp_path: Path) -> None:
    config = tmp_path / "ccmux.toml"
    config.touch()
    environment = deployed_from(config, tmp_path)
    assert starting_at(config, environment) == Starting(deployed=True)
    place = place_at(config, environment)
    assert place.way_out(Unreached.NOBODY) == "start it with `systemctl --user start ccmux.target`"
    assert "systemctl --user restart ccmux.service" in place.way_out(Unreached.SILENT)
    assert (place.way_out(Unreached.OTHER), place.way_out(Unreached.REFUSED)) == (OTHER_PLACE, "")


def test_that_of_another_file_does_not_and_one_of_a_file_that_is_gone_is_nobodys(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    environment = deployed_from(other, tmp_path)
    assert starting_at(tmp_path / "ccmux.toml", environment) == Starting()
    other.touch()
    assert starting_at(tmp_path / "ccmux.toml", environment) == Starting(other=str(other))


def test_without_units_it_is_started_by_hand(tmp_path: Path) -> None:
    place = place_at(tmp_path / "ccmux.toml", {"HOME": str(tmp_path)})
    assert place.way_out(Unreached.NOBODY) == "start it with `ccmux`"
    assert "its log says why" in place.way_out(Unreached.SILENT)
