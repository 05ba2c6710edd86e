"""What is open to others is named with the mode that closes it; and what is not what its name says."""

from __future__ import annotations

import pytest

from ccmux.core.doctor import Diagnosis, Fix, FixKind
from ccmux.core.doctor.files import (
    Entry,
    Kind,
    Tree,
    judge_config,
    judge_missing,
    judge_private,
    judge_runtime,
)
from ccmux.core.findings import Verdict

ME, OTHER = 1000, 1001
OK, WARN, BAD = Verdict.OK, Verdict.WARN, Verdict.BAD
MODES = {Kind.FOLDER: 0o700}


def entry(path: str, kind: Kind = Kind.FILE, mode: int | None = None, uid: int = ME) -> Entry:
    return Entry(path=path, kind=kind, mode=MODES.get(kind, 0o600) if mode is None else mode, uid=uid)


def tree(path: str, *below: Entry, top: Entry | None = None, complete: bool = True) -> Tree:
    return Tree(path=path, top=top or entry(path, Kind.FOLDER), below=below, complete=complete)


WHOLE = (
    entry("/r/in", Kind.FIFO),
    entry("/r/control.sock", Kind.SOCKET),
    entry("/r/output.sock", Kind.SOCKET),
)


def runtime(*more: Entry, daemon_up: bool = True, top: Entry | None = None) -> list[Diagnosis]:
    return judge_runtime(tree("/r", *WHOLE, *more, top=top), uid=ME, daemon_up=daemon_up)


def verdicts(found: list[Diagnosis]) -> list[Verdict]:
    return [one.finding.verdict for one in found]


# ----------------------------------------------------------------------------------------------- the runtime


def test_a_whole_runtime_directory_is_well() -> None:
    [found] = runtime(entry("/r/in.mail", Kind.FIFO), entry("/r/notes", mode=0o666), entry("/r/sub/in"))
    assert found.finding.says == "/r: yours alone, with in, in.mail"


def test_none_is_well_before_the_start_and_bad_under_a_daemon() -> None:
    none = Tree(path="/r", top=None)
    assert verdicts(judge_runtime(none, uid=ME, daemon_up=False)) == [OK]
    assert verdicts(judge_runtime(none, uid=ME, daemon_up=True)) == [BAD]


@pytest.mark.parametrize(
    ("top", "word", "fixes"),
    [
        (entry("/r", Kind.LINK), "is a link", ()),
        (entry("/r", Kind.FILE), "is a file", ()),
        (entry("/r", Kind.FOLDER, uid=OTHER), "belongs to user 1001", ()),
        (
            entry("/r", Kind.FOLDER, mode=0o755),
            "mode 0755",
            (Fix(kind=FixKind.CHMOD, target="/r", mode=0o700),),
        ),
    ],
)
def test_a_runtime_directory_that_is_not_ours_alone(top: Entry, word: str, fixes: tuple[Fix, ...]) -> None:
    [found] = runtime(top=top)
    assert found.finding.verdict is BAD
    assert word in found.finding.says
    assert found.fixes == fixes


@pytest.mark.parametrize(
    ("held", "complete"),
    [
        ((entry("/r/passwd"),), True),
        ((entry("/r/in"),), True),
        ((entry("/r/in.d", Kind.FOLDER), entry("/r/in.d/x", Kind.FIFO)), True),
        ((entry("/r/others", Kind.FIFO),), True),
        (WHOLE, False),
    ],
)
def test_an_open_one_that_may_hold_what_others_need_is_left_open(
    held: tuple[Entry, ...], *, complete: bool
) -> None:
    opened = tree("/r", *held, top=entry("/r", Kind.FOLDER, mode=0o755), complete=complete)
    [found] = judge_runtime(opened, uid=ME, daemon_up=False)
    assert found.finding.verdict is BAD
    assert (found.finding.mend, found.fixes) == ("set another [runtime] dir in ccmux.toml", ())


@pytest.mark.parametrize(
    ("thing", "verdict", "word"),
    [
        (entry("/r/in.x", Kind.FILE), BAD, "no FIFO"),
        (entry("/r/out.x", Kind.LINK), BAD, "no FIFO"),
        (entry("/r/in.-x", Kind.FIFO), WARN, "no channel's name"),
        (entry("/r/in.x", Kind.FIFO, uid=OTHER), WARN, "user 1001"),
        (entry("/r/in.x", Kind.FIFO, mode=0o622), WARN, "0622"),
    ],
)
def test_what_is_not_as_it_should_be_in_it(thing: Entry, verdict: Verdict, word: str) -> None:
    [found] = runtime(thing)
    assert found.finding.verdict is verdict
    assert word in found.finding.says
    assert found.finding.mend
    assert bool(found.fixes) is (word == "0622")


@pytest.mark.parametrize(
    ("thing", "mend"),
    [
        (entry("/r/in.x"), "mv -n /r/in.x /r/not-in.x && mkfifo -m 600 /r/in.x"),
        (entry("/r/out.x", Kind.FOLDER), "mv -n /r/out.x /r/not-out.x && mkfifo -m 600 /r/out.x"),
        (entry("/r/in.x", Kind.FIFO, uid=OTHER), "mv -n /r/in.x /r/not-in.x && mkfifo -m 600 /r/in.x"),
        (entry("/r/in.a b", Kind.FIFO), "mv -n '/r/in.a b' '/r/not-in.a b'"),
    ],
)
def test_what_is_in_the_way_is_moved_to_where_it_is_in_no_way(thing: Entry, mend: str) -> None:
    [found] = runtime(thing)
    assert found.finding.mend == mend
    moved = thing.path.replace("/r/", "/r/not-")
    [after] = runtime(entry(moved, thing.kind), entry(thing.path.replace("a b", "x"), Kind.FIFO))
    assert after.finding.verdict is OK


def test_a_socket_that_is_none_is_made_by_the_next_start() -> None:
    found = judge_runtime(tree("/r", entry("/r/control.sock")), uid=ME, daemon_up=False)
    assert [one.finding.mend for one in found] == [
        "mv -n /r/control.sock /r/not-control.sock; the daemon's next start makes it"
    ]


def test_what_the_daemon_should_have_made_is_missed() -> None:
    found = judge_runtime(tree("/r", *WHOLE[:1]), uid=ME, daemon_up=True)
    assert [one.finding.says for one in found] == ["control.sock, output.sock missing under a running daemon"]
    assert verdicts(judge_runtime(tree("/r"), uid=ME, daemon_up=False)) == [OK]


# --------------------------------------------------------------------------------------------- data, secrets


def data(*below: Entry, secret: bool = False, **more: object) -> list[Diagnosis]:
    return judge_private("data", tree("/d", *below, **more), uid=ME, secret=secret)  # type: ignore[arg-type]


def test_closed_folders_are_well() -> None:
    assert verdicts(data(entry("/d/x"), entry("/d/l", Kind.LINK, mode=0o777))) == [OK]
    none = Tree(path="/d", top=None)
    assert verdicts(judge_private("data", none, uid=ME, secret=False)) == [OK]


def test_what_is_open_is_closed_each_by_its_kind() -> None:
    [found] = data(
        entry("/d/logs", Kind.FOLDER, mode=0o755),
        entry("/d/logs/a", mode=0o644),
        entry("/d/hook.sh", mode=0o755),
        entry("/d/keeper.sock", Kind.SOCKET, mode=0o755),
    )
    assert found.finding.verdict is WARN
    assert [(fix.target, fix.mode) for fix in found.fixes] == [
        ("/d/logs", 0o700),
        ("/d/logs/a", 0o600),
        ("/d/hook.sh", 0o700),
        ("/d/keeper.sock", 0o600),
    ]
    assert found.finding.mend == "ccmux doctor --fix (chmod -R go= /d)"


def test_one_open_file_is_mended_by_its_own_command_and_a_secret_is_bad() -> None:
    [found] = data(entry("/d/x", mode=0o640), secret=True)
    assert (found.finding.verdict, found.finding.mend) == (BAD, "chmod 600 /d/x")


def test_an_open_top_is_refused_by_ccmux() -> None:
    [found] = data(top=entry("/d", Kind.FOLDER, mode=0o750))
    assert (found.finding.verdict, found.finding.mend) == (BAD, "chmod 700 /d")


def test_what_is_anothers_takes_a_person() -> None:
    [found] = data(entry("/d/x", mode=0o666, uid=OTHER))
    assert found.fixes == ()
    assert found.finding.mend == "sudo chown -R 1000 /d"


def test_a_link_among_secrets_is_refused() -> None:
    [found] = data(entry("/d/x", Kind.LINK), secret=True)
    assert found.finding.verdict is BAD


def test_too_much_to_look_at_is_said() -> None:
    [found] = data(entry("/d/x"), complete=False)
    assert found.finding.verdict is WARN
    assert "too much" in found.finding.says


def test_missing_folders_are_made() -> None:
    assert judge_missing([]) is None
    one, two = judge_missing(["/d/logs"]), judge_missing(["/d/logs", "/s"])
    assert one is not None
    assert one.finding.mend == "mkdir -p -m 700 /d/logs"
    assert two is not None
    assert [fix.target for fix in two.fixes] == ["/d/logs", "/s"]


def test_only_settings_with_a_secret_that_others_may_read_are_told() -> None:
    opened = entry("/p/ccmux.toml", mode=0o644)
    assert judge_config(None, secrets=["x"]) is None
    assert judge_config(opened, secrets=[]) is None
    assert judge_config(entry("/p/ccmux.toml"), secrets=["x"]) is None
    found = judge_config(opened, secrets=["[claude] env API_KEY"])
    assert found is not None
    assert (found.finding.verdict, found.finding.mend, found.fixes) == (WARN, "chmod 600 /p/ccmux.toml", ())
