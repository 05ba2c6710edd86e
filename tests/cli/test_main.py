"""The console script as a whole: help, version, exit codes, and how fast it can be."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ccmux import __version__
from ccmux.cli.main import COMMANDS, main
from ccmux.place import Place
from tests.cli.conftest import Project, kind

CONTRACT = ["init", "attach", "send", "tail", "status", "messages", "why", "pause", "resume", "interrupt"]


def test_help_names_every_command_and_ends_in_examples(project: Project) -> None:
    done = project.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name in CONTRACT:
        assert re.search(rf"^  {name} +\w", done.stdout, re.MULTILINE), name
    assert "exit codes: 0 done, 1 failed" in done.stdout
    assert re.search(r"\nexamples:\n(  ccmux .*\n|  .*ccmux.*\n)+\Z", done.stdout)


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)])
def test_no_help_takes_a_runtime_directory_for_granted(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    for line in capsys.readouterr().out.splitlines():
        assert "/tmp/" not in line or "by default" in line


def test_every_command_there_is_has_a_module_and_the_other_way_round() -> None:
    folder = Path(__file__).parents[2] / "ccmux" / "cli"
    files = [*folder.glob("*.py"), *folder.glob("*/__init__.py")]
    commands = [path for path in files if "\nEXAMPLES = " in path.read_text()]
    modules = {path.parent.name if path.stem == "__init__" else path.stem for path in commands}
    assert {name.replace("-", "_") for name in COMMANDS} == modules


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_ends_in_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: ccmux {name}")
    assert "examples:\n  " in told
    assert "-C DIR" in told


def test_version(project: Project) -> None:
    done = project.run("--version")
    assert (done.returncode, done.stdout) == (0, f"ccmux {__version__}\n")


USAGE = [
    (["fly"], "there is no command 'fly'; see ccmux --help"),
    (["statsu"], "did you mean status?"),
    (["--demo", "status"], "--demo starts the daemon"),
    (["--fly"], "unrecognized arguments: --fly"),
    (["--config"], "expected one argument"),
    (["status", "--fly"], "unrecognized arguments: --fly"),
    (["send", "-c", "a b", "x"], "'a b' is no channel"),
    (["send", "--id", "", "x"], "1 to 128 printable characters"),
    (["send", "--timeout", "soon", "x"], "a number of seconds"),
    (["send", "--timeout", "-1", "x"], "a number of seconds"),
    (["send", "--wait", "ever", "x"], "invalid choice"),
    (["messages", "--limit", "0"], "from 1 to 1000"),
    (["messages", "--state", "lost"], "invalid choice"),
    (["tail", "--since", "x"], "must be an event's number, which stands behind its time; it is 'x'"),
    (["tail", "--since", "-1"], "must be an event's number"),
]


@pytest.mark.parametrize(
    ("words", "says"), USAGE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_use_is_exit_code_2(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""


NEEDS_NO_DAEMON = {"attach", "doctor", "init", "live", "prove", "send", "stop", "upgrade-check"}


@pytest.mark.parametrize("words", [[name] for name in COMMANDS if name not in NEEDS_NO_DAEMON])
def test_without_a_daemon_one_line_says_the_way_out(project: Project, words: list[str]) -> None:
    done = project.run(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("ccmux: no daemon answers at ")
    assert "start it with `ccmux`" in done.stderr


def test_bad_settings_are_told_all_at_once_a_line_each(project: Project) -> None:
    project.config.write_text("[mcp]\nport = 0\n[quux]\n")
    done = project.run("status")
    assert done.returncode == 1
    first, port, table = done.stderr.splitlines()
    assert first == f"ccmux: {project.config} has 2 problems:"
    assert port.startswith("  line 2: [mcp] port must be")
    assert table.startswith("  line 3: [quux] is no table")


def test_a_folder_or_file_that_is_not_there_is_said(project: Project) -> None:
    assert "cannot go there: No such file" in project.run("-C", "/nowhere", "status").stderr
    assert "there is no such file" in project.run("status", "--config", "other.toml").stderr


def test_the_place_is_found_from_anywhere_by_either_option(project: Project, tmp_path: Path) -> None:
    with project.daemon(kind) as asked:
        for words in (
            ["-C", str(project.folder), "pause"],
            ["pause", "-C", "my.app"],
            ["--config", "my.app/ccmux.toml", "-C", ".", "pause"],
            ["-C", str(tmp_path), "pause", "--config", "my.app/ccmux.toml"],
        ):
            assert project.run(*words, cwd=tmp_path).returncode == 0, words
    assert [request["project"] for request in asked[:2]] == ["my-app", "my-app"]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, project: Project) -> list[Any]:
    """Stand in for the daemon, which has tests of its own; tells how it was called."""
    calls: list[Any] = []
    module = ModuleType("ccmux.app")

    def run(place: Place, *, demo: bool, failpoint: Any) -> int:
        calls.append((place.settings, place.paths, demo))
        return 3

    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ccmux.app", module)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.folder)
    return calls


def test_without_a_command_the_daemon_runs_and_its_exit_code_counts(app: list[Any], project: Project) -> None:
    assert main([]) == 3
    assert main(["--demo"]) == 3
    (settings, paths, demo), (_, _, second_demo) = app
    assert (demo, second_demo) == (False, True)
    assert settings.runtime.dir == str(project.runtime)
    assert paths.control_sock == project.runtime / "control.sock"
    assert paths.database == project.data / "ccmux" / "my-app" / "ccmux.db"
    assert paths.tmux_session == "ccmux-my-app"


def test_home_stands_for_itself_in_every_directory(
    app: list[Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.config.write_text('[runtime]\ndir = "~/run"\n[project]\nname = "x"\n')
    monkeypatch.delenv("CCMUX_DATA_DIR")
    monkeypatch.setenv("CCMUX_SECRETS_DIR", "~/s")
    main([])
    ((_, paths, _),) = app
    home = Path(project.environment["HOME"])
    assert paths.runtime_dir == home / "run"
    assert paths.state_dir == home / ".ccmux" / "data" / "ccmux" / "x"
    assert paths.api_token == home / "s" / "api_token"


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, app: list[Any]) -> None:
    def pressed(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["ccmux.app"], "run", pressed)
    assert main([]) == 130


HEAVY = {
    "mcp",
    "libtmux",
    "structlog",
    "msgspec",
    "starlette",
    "uvicorn",
    "asyncio",
    "sqlite3",
    "inotify_simple",
}


def test_sending_loads_nothing_heavy(project: Project) -> None:
    with project.daemon(kind):
        said, loaded = _sent(project)
    assert loaded & (HEAVY | {"subprocess", "secrets", "difflib"}) == set()
    assert said == "12\n"


def test_sending_while_the_daemon_is_down_loads_nothing_heavy(project: Project) -> None:
    said, loaded = _sent(project)
    assert loaded & HEAVY == set()
    assert said.startswith("send-")


def _sent(project: Project) -> tuple[str, set[str]]:
    """Send a message; return what was printed, and the names of all packages that were loaded for it."""
    code = (
        "import sys; from ccmux.cli.main import main; code = main(['send', 'x']);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.folder,
        env=project.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, set(done.stderr.split())
