"""Tell Claude what happened since the last time, and what is not well now: one message, channel selfcheck.

What was told is kept in selfcheck.json, and the next one begins there.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

from ccmux.cli.program import add_place, exit_code

_KEPT_BYTES = 1_048_576


def main(argv: Sequence[str]) -> int:
    """Run the self-check, without the program's name, and return its exit code."""
    return exit_code("startup_selfcheck.py", lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)

    from ccmux.cli.deploy.looks import wall
    from ccmux.cli.doctor.patient import Patient
    from ccmux.cli.place import enter
    from ccmux.cli.say import printable
    from ccmux.cli.selfcheck.looking import look
    from ccmux.cli.selfcheck.telling import await_daemon, deliver
    from ccmux.core.errors import SettingsInvalid, StateDirUnsafe
    from ccmux.core.selfcheck import last_check, line_of, remembered
    from ccmux.drivers.state_dir import make_private
    from ccmux.files import replace_file

    config = enter(arguments)
    arguments.folder, arguments.config = None, str(config) if config.exists() else None
    patient = Patient(arguments, os.environ)
    if patient.place is None:
        raise SettingsInvalid(str(config), patient.problems)
    place = patient.place
    is_up = not arguments.dry_run and await_daemon(place)

    kept = place.paths.selfcheck
    last, now = last_check(_text(kept)), wall()
    report = look(patient, place, last, now)
    line = line_of(report, last=last, wall=now)
    message = json.loads(line)
    print(printable(message["content"], keep="\n"), flush=True)
    if arguments.dry_run:
        return 0
    try:
        sys.stderr.write(f"told by {deliver(place, line, message, awaited=is_up)}\n")
        make_private(kept.parent)
        replace_file(kept, remembered(report), mode=0o600)
    except OSError as error:
        reason = f"nothing can be kept there ({error.strerror or error})"
        raise StateDirUnsafe(
            str(kept.parent), reason, "make room; the next self-check tells it again"
        ) from error
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="startup_selfcheck.py",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_place(parser, Namespace(folder=None, config=None))
    parser.add_argument("--dry-run", action="store_true", help="print the message; send and keep nothing")
    return parser


def _text(path: Path) -> str:
    """Return what is kept; "" where nothing is, or where it cannot be read: the writing says so."""
    try:
        with path.open("rb") as file:
            return file.read(_KEPT_BYTES).decode(errors="replace")
    except OSError:
        return ""
