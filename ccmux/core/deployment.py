"""Decides which unit files are written and removed: what is there against what shall be there.

A file that does not begin with our header is nobody's business here. It reads and writes nothing.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ccmux.core.units import OWN, owner_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a deployment changes; where anything is refused it changes nothing.

    Attributes:
        created: Units that are new, by name with their texts.
        updated: Units whose text is another one now.
        unchanged: Names of units that are as they shall be.
        orphans: Names of units of ours that nothing asks for any more: to be stopped and removed.
        foreign: Names of units that would be there, were there not a file of somebody else's.
        refused: Sentences: what stands in the way, and the way out.

    """

    created: Mapping[str, str] = field(default_factory=dict)
    updated: Mapping[str, str] = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def owners(existing: Mapping[str, str]) -> set[str]:
    """Return the settings files that the units of ours were made from."""
    return {owner for text in existing.values() if (owner := owner_of(text)) is not None}


def plan(
    existing: Mapping[str, str], rendered: Mapping[str, str], *, config: str, gone: Collection[str] = ()
) -> Plan:
    """Return what makes `existing` into `rendered`.

    Args:
        existing: The texts of all unit files named ccmux*, whoever made them.
        rendered: The texts that shall be there; none to remove everything.
        config: The settings file they were made from.
        gone: Settings files of `owners(existing)` that are no more: their units are taken over.

    """
    ours = {config, *gone}
    created, updated = {}, {}
    unchanged: list[str] = []
    foreign: list[str] = []
    for name, text in rendered.items():
        if name not in existing:
            created[name] = text
        elif owner_of(existing[name]) is None:
            foreign.append(name)
        elif existing[name] == text:
            unchanged.append(name)
        else:
            updated[name] = text
    others = sorted(owners(existing) - ours)
    return Plan(
        created=created,
        updated=updated,
        unchanged=tuple(unchanged),
        orphans=tuple(
            name for name, text in existing.items() if name not in rendered and owner_of(text) in ours
        ),
        foreign=tuple(foreign),
        refused=(
            *(_of_another(owner) for owner in others if rendered),
            *(_not_ours(name) for name in foreign),
        ),
    )


def diff(existing: Mapping[str, str], planned: Plan, *, whole: bool) -> str:
    """Return what would change, as a unified diff; "" where nothing would.

    `whole`: also units that come and go, line by line; else those that are there and get another text.
    """
    changed = dict(planned.updated)
    if whole:
        changed |= {**planned.created, **dict.fromkeys(planned.orphans, "")}
    return "".join(_diff(name, existing.get(name), changed[name]) for name in sorted(changed))


def _diff(name: str, old: str | None, new: str) -> str:
    lines = difflib.unified_diff(
        (old or "").splitlines(),
        new.splitlines(),
        fromfile="/dev/null" if old is None else name,
        tofile=name if new else "/dev/null",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in lines)


def _of_another(owner: str) -> str:
    return (
        f"the units of {owner} are deployed for this user, and there is one deployment a user: "
        f"remove it first: ccmux-deploy --config {shlex.quote(owner)} remove"
    )


def _not_ours(name: str) -> str:
    way_out = "move that file away"
    if name not in OWN:
        way_out += ", or give the timer or adapter another name"
    return f"{name} is there already and was not made by ccmux-deploy: {way_out}"
