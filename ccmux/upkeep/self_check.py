"""The self-check: looks, tells Claude, keeps what was told. What could not be told is told the next time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ccmux.core.errors import SettingsInvalid, StateDirUnsafe
from ccmux.core.selfcheck import last_check, line_of, remembered
from ccmux.drivers.state_dir import make_private
from ccmux.files import replace_file
from ccmux.upkeep.patient import Patient
from ccmux.upkeep.since_last import look
from ccmux.upkeep.surroundings import wall
from ccmux.upkeep.telling import await_daemon, deliver

_KEPT_BYTES = 1_048_576


def self_check(
    config: Path, environment: Mapping[str, str], *, dry_run: bool, say: Callable[[str], None]
) -> str:
    """Tell Claude what happened and what is not well; return the way the message went.

    Args:
        config: The settings file, there or not; we are in the project's folder.
        environment: Of who asks.
        dry_run: Send and keep nothing, and wait for no daemon; returns "".
        say: Gets the message, before it is sent.

    Raises:
        SettingsInvalid: With all that is wrong, and no older settings are kept.
        StateDirUnsafe: The message could neither be sent nor kept.

    """
    patient = Patient(config, environment)
    if patient.place is None:
        raise SettingsInvalid(str(config), patient.problems)
    place = patient.place
    is_up = not dry_run and await_daemon(place)

    kept = place.paths.selfcheck
    last, now = last_check(_text(kept)), wall()
    report = look(patient, place, last, now)
    line = line_of(report, last=last, wall=now)
    message = json.loads(line)
    say(message["content"])
    if dry_run:
        return ""
    try:
        way = deliver(place, line, message, awaited=is_up)
        make_private(kept.parent)
        replace_file(kept, remembered(report), mode=0o600)
    except OSError as error:
        reason = f"nothing can be kept there ({error.strerror or error})"
        raise StateDirUnsafe(
            str(kept.parent), reason, "make room; the next self-check tells it again"
        ) from error
    return way


def _text(path: Path) -> str:
    """Return what is kept; "" where nothing is, or where it cannot be read: the writing says so."""
    try:
        with path.open("rb") as file:
            return file.read(_KEPT_BYTES).decode(errors="replace")
    except OSError:
        return ""
