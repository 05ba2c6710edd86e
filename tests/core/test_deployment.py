"""Which unit files a deployment writes, removes, and never touches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ccmux.core.deployment import Plan, diff, owners, plan
from ccmux.core.settings import Settings
from ccmux.core.units import render
from tests.systemd.rendered import SETTINGS, YOU, deployment

WHERE = deployment(YOU)
CONFIG = str(WHERE.config)
ALL = render(SETTINGS, WHERE)
FEW = render(Settings(), WHERE)
OTHER = "/home/you/my other app/ccmux.toml"
OTHERS = render(SETTINGS, replace(WHERE, config=Path(OTHER)))
HAND_MADE = {"ccmux-backup.timer": "[Timer]\n", "ccmux-mine.service": "[Service]\n", "ccmux-masked.timer": ""}


def test_the_first_time_all_is_new() -> None:
    assert plan({}, ALL, config=CONFIG) == Plan(created=ALL)


def test_the_second_time_nothing_is_to_be_done() -> None:
    planned = plan(ALL, ALL, config=CONFIG)
    assert planned == Plan(unchanged=tuple(ALL))
    assert diff(ALL, planned, whole=True) == ""


def test_a_unit_with_another_text_is_updated() -> None:
    changed = ALL | {"ccmux.target": ALL["ccmux.target"] + "\n"}
    planned = plan(ALL, changed, config=CONFIG)
    assert planned.updated == {"ccmux.target": changed["ccmux.target"]}


def test_units_of_ours_that_nothing_asks_for_are_orphans() -> None:
    planned = plan(ALL | HAND_MADE | {"ccmux-backup.timer": ALL["ccmux-backup.timer"]}, FEW, config=CONFIG)
    assert set(planned.orphans) == set(ALL) - set(FEW)
    assert planned.refused == ()


def test_removing_is_a_deployment_of_nothing() -> None:
    assert plan(ALL | {"ccmux-mine.service": "[Service]\n"}, {}, config=CONFIG) == Plan(orphans=tuple(ALL))
    assert plan(OTHERS, {}, config=CONFIG) == Plan()


def test_a_file_of_somebody_elses_is_left_alone_and_refused_where_it_is_in_the_way() -> None:
    planned = plan(HAND_MADE, ALL, config=CONFIG)
    (said,) = planned.refused
    assert said.startswith("ccmux-backup.timer is there already and was not made by ccmux-deploy: ")
    assert said.endswith("move that file away, or give the timer or adapter another name")
    assert (planned.orphans, planned.foreign) == ((), ("ccmux-backup.timer",))
    assert not {*planned.created, *planned.updated} & set(HAND_MADE)


def test_our_own_names_can_only_be_made_free() -> None:
    (said,) = plan({"ccmux.service": "[Service]\n"}, ALL, config=CONFIG).refused
    assert said.endswith("was not made by ccmux-deploy: move that file away")


def test_units_of_another_project_are_refused_once_with_the_way_out() -> None:
    planned = plan(OTHERS, FEW, config=CONFIG)
    (said,) = planned.refused
    assert said.startswith(f"the units of {OTHER} are deployed for this user")
    assert said.endswith(f": ccmux-deploy --config '{OTHER}' remove")
    assert planned.orphans == ()


def test_units_of_a_settings_file_that_is_gone_are_taken_over() -> None:
    assert owners(OTHERS | HAND_MADE) == {OTHER}
    planned = plan(OTHERS, FEW, config=CONFIG, gone={OTHER})
    assert planned.refused == ()
    assert planned.updated == FEW
    assert set(planned.orphans) == set(OTHERS) - set(FEW)


def test_the_diff_tells_new_changed_and_removed_units_by_name() -> None:
    existing = {name: ALL[name] for name in ("ccmux.target", "ccmux-door.service")} | HAND_MADE
    shall = {name: ALL[name] for name in ("ccmux.target", "ccmux.service")}
    shall["ccmux.target"] = shall["ccmux.target"].replace("the daemon", "all")
    planned = plan(existing, shall, config=CONFIG)
    told = diff(existing, planned, whole=True)
    lines = told.split("\n")
    assert [line for line in lines if line.startswith(("---", "+++"))] == [
        *("--- ccmux-door.service", "+++ /dev/null"),
        *("--- /dev/null", "+++ ccmux.service"),
        *("--- ccmux.target", "+++ ccmux.target"),
    ]
    assert "-Description=ccmux: the daemon, its adapters and timers" in lines
    assert "+Description=ccmux: all, its adapters and timers" in lines
    assert "+Type=notify" in lines
    assert told.endswith("\n")
    short = diff(existing, planned, whole=False)
    assert short.startswith("--- ccmux.target\n+++ ccmux.target\n")
    assert "ccmux.service" not in short
    assert short in told
