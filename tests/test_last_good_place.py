"""A project's place by good settings, and by those that were good before."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccmux.core.errors import SettingsInvalid, StateDirUnsafe
from ccmux.paths import kept_settings
from ccmux.place import last_good_place, place_at

GOOD = '[project]\nname = "good"\n[claude]\nproxy = "http://me:hunter2@127.0.0.1:9"\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder / "ccmux.toml"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"CCMUX_DATA_DIR": str(tmp_path / "data")}


def kept(config: Path) -> Path:
    return kept_settings(config.parents[1] / "data", config)


def keep(config: Path, environment: dict[str, str], text: str = GOOD) -> None:
    config.write_text(text)
    place_at(config, environment).keep()


WRONG = {
    "no TOML": ("x = [\n", "the file is not valid TOML"),
    "no setting": ("[mcp]\nprt = 1\n", "line 2: [mcp] prt is no setting"),
    "a timer's": ('[timers.a]\nmessage = "x"\n', "line 1: [timers.a]"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_settings_that_were_good_are_used_where_the_file_is_wrong(
    config: Path, environment: dict[str, str], text: str, says: str
) -> None:
    keep(config, environment)
    config.write_text(text)
    place = last_good_place(config, environment)
    assert (place.config, place.paths.project) == (config, "good")
    assert place.trouble is not None
    assert place.trouble.config == str(config)
    assert place.trouble.problems[0].startswith(says)
    assert place.trouble.kept_at_s == kept(config).stat().st_mtime
    with pytest.raises(SettingsInvalid):
        place_at(config, environment)


def test_a_file_that_is_gone_is_wrong_where_one_is_kept_and_the_way_back_is_told(
    config: Path, environment: dict[str, str]
) -> None:
    assert last_good_place(config, environment).has_settings is False
    keep(config, environment)
    config.unlink()
    place = last_good_place(config, environment)
    assert (place.has_settings, place.is_known, place.paths.project) == (True, True, "good")
    assert place.trouble is not None
    (problem,) = place.trouble.problems
    assert problem.endswith(f": cp {kept(config)} {config}")
    kept(config).rename(config)
    assert last_good_place(config, environment).trouble is None


def test_good_settings_are_used_whatever_is_kept(config: Path, environment: dict[str, str]) -> None:
    keep(config, environment)
    config.write_text('[project]\nname = "other"\n')
    place = last_good_place(config, environment)
    assert (place.paths.project, place.trouble) == ("other", None)


@pytest.mark.parametrize("now", ["none", "wrong too", "no file"])
def test_where_nothing_of_use_is_kept_the_problems_are_told(
    config: Path, environment: dict[str, str], now: str
) -> None:
    keep(config, environment)
    if now == "none":
        kept(config).unlink()
    elif now == "wrong too":
        kept(config).write_text("nonsense = 1\n")
    else:
        kept(config).unlink()
        kept(config).mkdir()
    config.write_text("x = [\n")
    with pytest.raises(SettingsInvalid, match="the file is not valid TOML") as raised:
        last_good_place(config, environment)
    assert raised.value.path == str(config)


def test_what_is_kept_is_the_owners_alone_and_each_projects_own(
    config: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    keep(config, environment)
    assert kept(config).read_text() == GOOD
    assert kept(config).stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in (kept(config).parent, tmp_path / "data")} == {0o700}
    other = tmp_path / "ccmux.toml"
    other.write_text("x = [\n")
    with pytest.raises(SettingsInvalid):
        last_good_place(other, environment)
    kept(config).parent.chmod(0o755)
    with pytest.raises(StateDirUnsafe, match="chmod 700"):
        place_at(config, environment).keep()


def test_a_place_in_trouble_keeps_nothing_and_one_without_a_file_forgets(
    config: Path, environment: dict[str, str]
) -> None:
    keep(config, environment)
    config.write_text("x = [\n")
    last_good_place(config, environment).keep()
    assert kept(config).read_text() == GOOD
    config.unlink()
    place_at(config, environment).keep()
    assert not kept(config).exists()


def test_what_the_daemon_came_up_with_is_known_whatever_is_deployed_later(
    config: Path, environment: dict[str, str]
) -> None:
    config.write_text(GOOD)
    place = place_at(config, environment)
    assert place.running_settings() is None
    place.keep()
    place.paths.state_dir.mkdir()
    place.keep_as_running()
    assert place.paths.running_settings.stat().st_mode & 0o777 == 0o600
    config.write_text(GOOD + "[timing]\nidle_threshold = 9\n")
    place_at(config, environment).keep()
    assert place_at(config, environment).running_settings() == place.settings
    place.paths.running_settings.write_text("x = [")
    assert place.running_settings() is None
