"""`ccmux init` and `ccmux attach`: a project's file and its terminal."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
from pathlib import Path

import pytest

from ccmux.drivers.settings_file import read_settings
from tests.cli.conftest import PROGRAM, Project


def test_init_writes_every_key_with_the_folders_name_and_no_trust(project: Project) -> None:
    project.config.unlink()
    done = project.run("init")
    assert (done.returncode, done.stdout) == (0, f"{project.config}\n")
    settings = read_settings(project.config)[0]
    assert (settings.project.name, settings.claude.trust_folder) == ("my-app", False)
    assert stat.S_IMODE(project.config.stat().st_mode) == 0o600
    assert "# Days the event log is kept." in project.config.read_text()


def test_init_leaves_a_file_or_a_link_alone(project: Project) -> None:
    before = project.config.read_text()
    done = project.run("init")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is there already and was left alone" in done.stderr
    assert project.config.read_text() == before
    project.config.unlink()
    project.config.symlink_to("nowhere")
    assert project.run("init").returncode == 1
    assert project.config.is_symlink()


def test_init_for_another_folder(project: Project, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    done = project.run("init", "-C", str(tmp_path / "other"))
    assert done.returncode == 0
    assert read_settings(tmp_path / "other" / "ccmux.toml")[0].project.name == "other"


@pytest.mark.parametrize(
    ("typed", "trusted"), [(b"y\n", True), (b"\n", False), (b"n\n", False), (b"\x04", False)]
)
def test_init_on_a_terminal_asks_once_whether_the_folder_may_be_trusted(
    project: Project, typed: bytes, trusted: bool
) -> None:
    project.config.unlink()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "init"],
        cwd=project.folder,
        env=project.environment,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as asking:
        os.close(theirs)
        asked = b""
        while not asked.endswith(b"[y/N] "):
            asked += os.read(ours, 4_096)
        os.write(ours, typed)
        assert asking.wait(30) == 0
    os.close(ours)
    assert str(project.folder).encode() in asked
    assert read_settings(project.config)[0].claude.trust_folder is trusted


def tmux(socket: str, *words: str) -> str:
    done = subprocess.run(["tmux", "-L", socket, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def on(project: Project, socket: str) -> None:
    project.config.write_text(f'[tmux]\nsocket = "{socket}"\n')


def test_attach_without_a_session_says_so(project: Project, tmux_socket: str) -> None:
    on(project, tmux_socket)
    done = project.run("attach")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no tmux session ccmux-my-app; start ccmux first" in done.stderr
    tmux(tmux_socket, "-f", "/dev/null", "new-session", "-d", "-s", "ccmux-my-app2", "cat")
    assert project.run("attach").returncode == 1, "a name that only begins like ours is another session"


def test_attach_without_tmux_says_what_to_install(project: Project) -> None:
    assert "install it" in project.run("attach", env={"PATH": str(PROGRAM.parent)}).stderr


def test_attach_attaches_this_terminal(project: Project, tmux_socket: str) -> None:
    on(project, tmux_socket)
    tmux(tmux_socket, "-f", "/dev/null", "new-session", "-d", "-s", "ccmux-my-app", "cat")
    tmux(tmux_socket, "set-hook", "-g", "client-attached", "wait-for -S attached")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "attach"],
        cwd=project.folder,
        env=project.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as attached:
        os.close(theirs)
        tmux(tmux_socket, "wait-for", "attached")
        assert tmux(tmux_socket, "list-clients", "-F", "#{session_name}") == "ccmux-my-app"
        tmux(tmux_socket, "detach-client", "-s", "ccmux-my-app")
        while True:  # tmux leaves only when its last words were read
            try:
                if not os.read(ours, 65_536):
                    break
            except OSError:
                break
        assert attached.wait(30) == 0
    os.close(ours)


def test_inside_tmux_the_client_is_switched(project: Project, tmux_socket: str) -> None:
    on(project, tmux_socket)
    tmux(tmux_socket, "-f", "/dev/null", "new-session", "-d", "-s", "ccmux-my-app", "cat")
    socket_path = tmux(tmux_socket, "display-message", "-p", "#{socket_path}")
    done = project.run("attach", env={"TMUX": f"{socket_path},1,0"})
    assert done.returncode == 1
    assert "no current client" in done.stderr, "it is switch-client that speaks"


def test_inside_another_tmux_server_it_says_how_to_nest(project: Project, tmux_socket: str) -> None:
    on(project, tmux_socket)
    tmux(tmux_socket, "-f", "/dev/null", "new-session", "-d", "-s", "ccmux-my-app", "cat")
    done = project.run("attach", env={"TMUX": "/tmp/tmux-0/default,1,0"})
    assert (done.returncode, done.stdout) == (1, "")
    assert f"env -u TMUX tmux -L {tmux_socket} attach -t =ccmux-my-app" in done.stderr


def test_inside_another_tmux_server_the_users_own_is_asked_for_the_session(
    project: Project, tmux_socket: str, tmp_path: Path
) -> None:
    on(project, "")
    tmux(tmux_socket, "-f", "/dev/null", "new-session", "-d", "-s", "ccmux-my-app", "cat")
    socket_path = tmux(tmux_socket, "display-message", "-p", "#{socket_path}")
    done = project.run("attach", env={"TMUX": f"{socket_path},1,0", "TMUX_TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no tmux session ccmux-my-app" in done.stderr
