"""A unit starts what its words mean, by an absolute path; what cannot be started is told with the way out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.programs import (
    USUAL_PATH,
    Grounds,
    Lies,
    NoProgram,
    kept_path,
    passes,
    path_of,
    resolve,
    unit_path,
)

GROUNDS = Grounds(
    home="/home/you",
    project="/home/you/app",
    checkout="/opt/ccmux",
    own_programs="/opt/ccmux/.venv/bin",
    own_python="/opt/ccmux/.venv/bin/python3",
    path=("/usr/local/bin", "/usr/bin"),
)
DISK = {
    "/usr/bin/git": Lies.PROGRAM,
    "/usr/bin/words": Lies.FILE,
    "/usr/bin/ccmux-telegram": Lies.PROGRAM,
    "/opt/ccmux/.venv/bin/ccmux-telegram": Lies.PROGRAM,
    "/opt/ccmux/.venv/bin/tool": Lies.PROGRAM,
    "/opt/ccmux/scripts/selfcheck.py": Lies.FILE,
    "/opt/ccmux/scripts/both": Lies.PROGRAM,
    "/home/you/app/scripts/both": Lies.PROGRAM,
    "/home/you/app/scripts/mine.py": Lies.FILE,
    "/home/you/app/scripts/run.py": Lies.PROGRAM,
    "/home/you/app/scripts/closed": Lies.FILE,
    "/home/you/app/scripts/it's": Lies.FILE,
    "/home/you/app/here": Lies.PROGRAM,
    "/home/you/app/scripts": Lies.FOLDER,
    "/home/you/bin/own": Lies.PROGRAM,
    "/srv/other.py": Lies.FILE,
}
WITH_VENV = DISK | {"/home/you/app/.venv/bin/python3": Lies.PROGRAM}


def look(path: str) -> Lies:
    return DISK.get(path, Lies.NOTHING)


def look_with_venv(path: str) -> Lies:
    return WITH_VENV.get(path, Lies.NOTHING)


@pytest.mark.parametrize(
    ("words", "starts"),
    [
        (["git", "fetch", "-q"], ("/usr/bin/git", "fetch", "-q")),
        (["ccmux-telegram"], ("/opt/ccmux/.venv/bin/ccmux-telegram",)),
        (["tool"], ("/opt/ccmux/.venv/bin/tool",)),
        (["scripts/both"], ("/home/you/app/scripts/both",)),
        (["./here"], ("/home/you/app/here",)),
        (["~/bin/own"], ("/home/you/bin/own",)),
        (["/usr/bin/git"], ("/usr/bin/git",)),
        (["scripts/mine.py", "-x"], ("/opt/ccmux/.venv/bin/python3", "/home/you/app/scripts/mine.py", "-x")),
        (["scripts/selfcheck.py"], ("/opt/ccmux/.venv/bin/python3", "/opt/ccmux/scripts/selfcheck.py")),
    ],
)
def test_a_program_is_found_where_its_name_says(words: list[str], starts: tuple[str, ...]) -> None:
    assert resolve(words, GROUNDS, look) == starts


@pytest.mark.parametrize(
    ("script", "python"),
    [
        ("scripts/mine.py", "/home/you/app/.venv/bin/python3"),
        ("scripts/run.py", "/home/you/app/.venv/bin/python3"),
        ("/srv/other.py", "/home/you/app/.venv/bin/python3"),
        ("scripts/selfcheck.py", "/opt/ccmux/.venv/bin/python3"),
    ],
)
def test_a_script_runs_with_the_projects_python_and_ours_with_ours(script: str, python: str) -> None:
    starts = resolve([script], GROUNDS, look_with_venv)
    assert isinstance(starts, tuple)
    assert starts[0] == python


@pytest.mark.parametrize(
    ("project", "checkout", "python"),
    [
        ("/a", "/a/ccmux", "ours"),
        ("/a/ccmux/app", "/a/ccmux", "/a/ccmux/app/.venv/bin/python3"),
        ("/a/ccmux", "/a/ccmux", "/a/ccmux/.venv/bin/python3"),
    ],
)
def test_where_one_folder_lies_in_the_other_the_inner_one_says_whose_a_script_is(
    project: str, checkout: str, python: str
) -> None:
    grounds = replace(GROUNDS, project=project, checkout=checkout, own_python="ours")
    script = "/a/ccmux/app/x.py"
    assert resolve([script], grounds, lambda _: Lies.PROGRAM) == (python, script)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("nothing", "nothing is neither on the PATH nor among ccmux's own programs in /opt/ccmux/.venv/bin"),
        ("words", "words is neither on the PATH nor among ccmux's own programs in /opt/ccmux/.venv/bin"),
        ("here", "here is not on the PATH; the project's own file is written ./here"),
        ("bin/no", "there is no /home/you/app/bin/no and no /opt/ccmux/bin/no"),
        ("/no", "there is no /no"),
        ("~/no", "there is no /home/you/no"),
        ("scripts/", "/home/you/app/scripts is a folder"),
        (
            "scripts/it's",
            "/home/you/app/scripts/it's is not executable: chmod +x '/home/you/app/scripts/it'\"'\"'s'",
        ),
        (
            "scripts/closed",
            "/home/you/app/scripts/closed is not executable: chmod +x /home/you/app/scripts/closed",
        ),
    ],
)
def test_what_cannot_be_started_is_told(word: str, says: str) -> None:
    assert resolve([word], GROUNDS, look) == NoProgram(says)


def test_the_path_has_each_lasting_folder_once_and_the_usual_ones() -> None:
    current = "relative:/home/you/bin/:/tmp/venv/bin::/usr/bin:/run/user/1/fnm/bin:/home/you/bin"
    assert unit_path(["/home/you/.local/bin", "/usr/bin"], current).split(":") == [
        "/home/you/.local/bin",
        "/home/you/bin",
        "/usr/bin",
        *(folder for folder in USUAL_PATH if folder != "/usr/bin"),
    ]


@given(st.lists(st.sampled_from(["/a", "/b/", "/usr/bin", "/tmp/x", "b", "", "/bin", "/c/../d"])))
def test_deploying_again_with_that_path_gives_it_again(folders: list[str]) -> None:
    path = unit_path(["/n", "/a"], ":".join(folders))
    assert unit_path(["/n", "/a"], path) == path


@pytest.mark.parametrize(
    ("deployed", "kept"),
    [
        (None, False),
        ("/c:/usr/bin:/bin", True),
        ("/venv/bin:/c:/other:/usr/bin:/bin", True),
        ("/c:/usr/bin", False),
        ("/usr/bin:/c:/bin", False),
    ],
)
def test_a_deployed_path_is_kept_while_it_has_all_in_order(deployed: str | None, kept: bool) -> None:
    assert (kept_path("/c:/usr/bin:/bin", deployed) == deployed) is kept


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[Service]\nEnvironment=HOME=/x\nEnvironment=PATH=/a:/b\nType=exec\n", "/a:/b"),
        ('Environment="PATH=/a b"\n', None),
        ("Environment=PATH=/a%%b\n", None),
        ("", None),
    ],
)
def test_the_path_of_a_unit_is_read_where_it_is_plain(text: str, path: str | None) -> None:
    assert path_of(text) == path


def test_folders_that_a_reboot_takes_are_known() -> None:
    assert passes("/tmp")
    assert passes("/run/user/1000/fnm")
    assert not passes("/runner/bin")


@pytest.mark.parametrize("folder", ["/run/current-system/sw/bin", "/run/wrappers/bin"])
def test_programs_that_a_boot_brings_back_stay_on_the_path(folder: str) -> None:
    assert not passes(folder)
    assert folder in unit_path([], f"{folder}:/usr/bin").split(":")
