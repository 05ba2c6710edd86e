"""ccmux-deploy's words: its help, what it refuses, and what a dry run shows where no systemd answers."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from ccmux import __version__
from ccmux.cli.deploy import COMMANDS, main
from ccmux.core.units.syntax import unit as text_of_unit
from ccmux.place import place_at
from tests.cli.conftest import PROGRAM, Project


def deploy(project: Project, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as a user who has no service manager, whatever the machine has."""
    nobody = {"XDG_RUNTIME_DIR": str(project.folder)}
    return subprocess.run(
        [PROGRAM.with_name("ccmux-deploy"), *words],
        cwd=project.folder,
        env=project.environment | nobody | ({} if path is None else {"PATH": path}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_and_ends_in_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w", told, re.MULTILINE), name
    assert "exit codes: 0 done, 1 failed" in told
    assert re.search(r"\nexamples:\n(  ccmux-deploy .*\n)+\Z", told)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_ends_in_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: ccmux-deploy {name}")
    assert "examples:\n  " in told
    assert "-C DIR" in told


def test_version(project: Project) -> None:
    done = deploy(project, "--version")
    assert (done.returncode, done.stdout) == (0, f"ccmux-deploy {__version__}\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fly"], "there is no command 'fly'; see ccmux-deploy --help"),
        (["verfy"], "did you mean verify?"),
        (["--dry-run", "remove"], "--dry-run shows a deployment; it goes with no command"),
        (["-v"], "-v goes with --dry-run only"),
        (["-v", "remove"], "-v goes with --dry-run only"),
        (["--fly"], "unrecognized arguments: --fly"),
        (["remove", "--fly"], "unrecognized arguments: --fly"),
    ],
)
def test_a_wrong_word_is_a_matter_of_usage(project: Project, words: list[str], says: str) -> None:
    done = deploy(project, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_a_folder_without_settings_is_not_deployed(project: Project) -> None:
    project.config.unlink()
    done = deploy(project, "--dry-run")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"ccmux-deploy: {project.config}: there is no such file; write one: ccmux init\n"


def test_settings_that_are_gone_are_to_be_brought_back_not_written_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    place_at(project.config, project.environment).keep()
    said = project.config.read_text()
    project.config.unlink()
    done = deploy(project, "--dry-run")
    assert (done.returncode, "ccmux init" in done.stderr) == (1, False)
    subprocess.run(shlex.split(done.stderr.partition("to bring it back: ")[2]), check=True)
    assert project.config.read_text() == said


def test_settings_with_problems_are_told_with_all_of_them(project: Project) -> None:
    units = project.folder.parent / "home/.config/systemd/user"
    units.mkdir(parents=True)
    (units / "ccmux-mine.service").touch()
    project.config.write_text(
        '[timing]\nidle_threshold = -1\n[timers.a]\nmessage = "x"\n[adapters.b]\nexec = 3\n'
        '[timers.late]\nstartup_delay = "soon"\nschedule = "Mon..Frei"\nexec = "bin/late"\n'
        '[adapters.mine]\nexec = "bin/mine"\nrestart_delay = -1\n'
    )
    done = deploy(project, "--dry-run")
    first, *told, last = done.stderr.splitlines()
    assert first == f"ccmux-deploy: {project.config} has {len(told)} problems:"
    for problem in (
        "line 2: [timing] idle_threshold ",
        "line 3: [timers.a] needs ",
        "line 6: [adapters.b] exec ",
        "line 8: [timers.late] startup_delay ",
        "line 13: [adapters.mine] restart_delay ",
        "[timers.late] schedule: Failed to parse calendar",
        f"[timers.late] exec: there is no {project.folder}/bin/late",
        f"[adapters.mine] exec: there is no {project.folder}/bin/mine",
        "ccmux-mine.service is there already",
    ):
        assert any(line.startswith(f"  {problem}") for line in told), problem
    assert (done.returncode, done.stdout, last) == (1, "", "nothing was changed")
    assert "[adapters.b] exec: there" not in done.stderr
    done = deploy(project, "--dry-run", path=str(project.folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert "line 8: [timers.late] startup_delay " in done.stderr


def test_where_no_user_manager_runs_one_line_says_the_way_out(project: Project) -> None:
    done = deploy(project)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "or run `ccmux` in the foreground" in done.stderr
    done = deploy(project, path=str(project.folder))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "systemctl is not on the PATH" in done.stderr


def test_where_no_user_manager_runs_our_files_are_removed_all_the_same(project: Project) -> None:
    units = project.folder.parent / "home/.config/systemd/user"
    wants = units / "default.target.wants"
    wants.mkdir(parents=True)
    (units / "ccmux.target").write_text(text_of_unit(project.config, {"Unit": []}))
    (wants / "ccmux.target").symlink_to(units / "ccmux.target")
    foreign = {units / "ccmux-mine.service", units / "other.service"}
    for path in foreign:
        path.touch()
    done = deploy(project, "remove")
    assert done.stdout.splitlines() == ["  - removed ccmux.target", "1 units removed"]
    assert "nothing was stopped" in done.stderr
    assert done.returncode == 0
    assert set(units.iterdir()) == foreign
    done = deploy(project, "remove", path=str(project.folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("there are no units of ")


def test_a_user_manager_that_is_there_and_does_not_answer_is_no_reason_to_forget_what_it_runs(
    project: Project,
) -> None:
    (project.folder / "systemd").mkdir()
    (project.folder / "systemd/private").touch()
    done = deploy(project, "remove", path=str(project.folder))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "cannot remove: systemctl is not on the PATH" in done.stderr


def test_a_dry_run_shows_the_units_as_they_would_be(project: Project) -> None:
    script = project.folder / "job.py"
    script.touch()
    project.config.write_text(
        project.config.read_text()
        + '[claude]\ncommand = ["no-claude-here"]\n'
        + '[timers.job]\nstartup_delay = "1h"\nexec = "./job.py --all"\nenv = { WHY = "half" }\n'
    )
    done = deploy(project, "--dry-run", "-v")
    own = PROGRAM.parent
    lines = done.stdout.splitlines()
    assert f"+ExecStart=:{own / 'python3'} {script} --all" in lines
    assert f"+ExecStart=:{own / 'ccmux'} -C {project.folder}" in lines
    assert "+Environment=WHY=half" in lines
    assert f"+Environment=CCMUX_DATA_DIR={project.data}" in lines
    assert lines[-4].startswith("  would create: ccmux.target ")
    assert lines[-3].startswith("  would enable: ccmux.target ")
    assert lines[-2:] == [
        "  would start: ccmux.target ccmux.service ccmux-job.timer",
        "5 units: 5 created, 0 updated, 0 removed, 0 unchanged; nothing was changed",
    ]
    warning, unreachable = done.stderr.splitlines()
    assert "'no-claude-here' was not found" in warning
    assert unreachable.startswith("ccmux-deploy: cannot be deployed: ")
    assert done.returncode == 1
    short = deploy(project, "--dry-run")
    assert (short.stdout.splitlines(), short.stderr) == (lines[-4:], done.stderr)
    assert not (project.folder.parent / "home").exists()


def test_units_of_a_link_to_the_folder_are_those_of_the_folder(project: Project) -> None:
    link = project.folder.parent / "link"
    link.symlink_to(project.folder)
    straight = deploy(project, "--dry-run", "-v").stdout
    assert deploy(project, "--config", str(link / "ccmux.toml"), "--dry-run", "-v").stdout == straight
    assert deploy(project, "-C", str(link), "--dry-run", "-v").stdout == straight
