"""What is printed is text, whatever it came from."""

from __future__ import annotations

import json
import os

from ccmux.cli.say import as_json, glimpse, printable

NO_TEXT = os.fsdecode(b"/srv/\xff\x1b[2J")
"""A path whose bytes are no UTF-8, and that would clear the screen."""


def test_json_can_be_printed_and_read_back_also_where_a_path_is_no_text() -> None:
    printed = as_json({"path": NO_TEXT})
    assert printed.encode()
    assert json.loads(printed) == {"path": NO_TEXT}


def test_foreign_text_commands_no_terminal() -> None:
    assert printable(f"{NO_TEXT}\n", keep="\n") == "/srv/··[2J\n"
    assert glimpse(" a\n b \x1b" + "c" * 9, chars=8) == "a b ·cc…"
