"""Findings on paper."""

from __future__ import annotations

from ccmux.cli.findings import as_object, as_table
from ccmux.core.findings import Finding, Verdict

DISK = Finding(area="disk", name="/", says="41 % used")
PORT = Finding(
    area="port",
    verdict=Verdict.BAD,
    says="9876 belongs to nginx (pid 7)",
    mend="set [mcp] port in ccmux.toml",
)


def test_the_table_shows_what_mends_a_finding_below_it() -> None:
    assert as_table([DISK, PORT]).split("\n") == [
        "ok    disk /  41 % used",
        "BAD   port    9876 belongs to nginx (pid 7)",
        "      mend: set [mcp] port in ccmux.toml",
        "1 bad, 0 to know of, 1 ok",
    ]


def test_what_was_seen_is_broken_to_the_terminals_width_and_a_command_never_is() -> None:
    long = Finding(
        area="claude", verdict=Verdict.BAD, says="it says " + "so and " * 6 + "on", mend="npm " + "x" * 60
    )
    assert as_table([long], columns=50).split("\n")[:-1] == [
        "BAD   claude  it says so and so and so and so and",
        "              so and so and on",
        "      mend: npm " + "x" * 60,
    ]
    assert len(as_table([long], columns=20).split("\n")) == 3, "there is no room to break anything"


def test_what_mends_many_in_a_row_is_told_once() -> None:
    wrong = [Finding(area="settings", verdict=Verdict.BAD, says=says, mend="edit it") for says in "abc"]
    assert as_table([*wrong, PORT]).split("\n")[:-1] == [
        "BAD   settings  a",
        "BAD   settings  b",
        "BAD   settings  c",
        "      mend: edit it",
        "BAD   port      9876 belongs to nginx (pid 7)",
        "      mend: set [mcp] port in ccmux.toml",
    ]
    assert [one["mend"] for one in as_object(wrong)["findings"]] == ["edit it"] * 3


def test_where_all_is_well_it_says_so() -> None:
    assert as_table([DISK]).split("\n")[-1] == "all 1 ok"
    assert as_table([]) == "all 0 ok"


def test_what_was_seen_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in as_table([Finding(area="port", says="taken by \x1b[2Jx")])


def test_a_script_gets_the_same_as_objects() -> None:
    assert as_object([DISK, PORT]) == {
        "ok": False,
        "findings": [
            {"area": "disk", "name": "/", "verdict": "ok", "says": "41 % used", "mend": ""},
            {
                "area": "port",
                "name": "",
                "verdict": "bad",
                "says": "9876 belongs to nginx (pid 7)",
                "mend": "set [mcp] port in ccmux.toml",
            },
        ],
    }
