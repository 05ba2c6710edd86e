import asyncio
import math
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ccmux.core.errors import PaneLost
from ccmux.core.observation import PaneProcess, PaneView
from ccmux.core.tmux_control import quote
from ccmux.drivers.tmux import ClaudePane, TmuxServer
from ccmux.drivers.tmux.client import ControlClient
from ccmux.drivers.tmux.leftover import PATIENCE, Leftover

DUMP = """
import os, sys, tty
tty.setraw(0)
sys.stdout.write("\\x1b[?2004hREADY")
sys.stdout.flush()
got = b""
while not got.endswith(b"\\r"):
    got += os.read(0, 65536)
with open(sys.argv[1], "wb") as file:
    file.write(got)
"""
"""Asks for bracketed paste and writes what it was sent, up to Enter, to a FIFO."""


def tmux(socket: str, *words: str) -> str:
    return subprocess.run(["tmux", "-L", socket, *words], capture_output=True, check=True, text=True).stdout


@asynccontextmanager
async def opened(socket: str, session: str = "ccmux-x") -> AsyncIterator[ClaudePane]:
    with closing(TmuxServer(socket)) as server:
        pane = ClaudePane(server, session, cwd="/")
        await pane.open()
        try:
            yield pane
        finally:
            await pane.close()


async def ensured(socket: str, session: str = "ccmux-x", cwd: str = "/") -> str:
    with closing(TmuxServer(socket)) as server:
        return await server.ensure_session(session, cwd=cwd)


async def until(look: Callable[[], Awaitable[PaneView]], seen: Callable[[PaneView], bool]) -> PaneView:
    async with asyncio.timeout(20):
        while not seen(view := await look()):  # noqa: ASYNC110 - only tmux knows
            await asyncio.sleep(0)
    return view


def attach(socket: str) -> tuple[int, subprocess.Popen[bytes]]:
    """Attach a terminal; return its keyboard and its client."""
    return attach_to(socket, "ccmux-x")


def attach_to(socket: str, session: str) -> tuple[int, subprocess.Popen[bytes]]:
    ours, theirs = pty.openpty()
    client = subprocess.Popen(
        ["tmux", "-u", "-L", socket, "attach-session", "-t", f"={session}"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    return ours, client


@contextmanager
def attached(socket: str) -> Iterator[int]:
    """Attach a terminal for a while."""
    ours, client = attach(socket)
    try:
        while "0\n" not in tmux(socket, "list-clients", "-F", "#{client_control_mode}"):
            assert client.poll() is None
        yield ours
    finally:
        client.kill()
        client.wait()
        os.close(ours)


async def ended(pane: ClaudePane) -> PaneProcess:
    async with asyncio.timeout(20):
        while not (process := await pane.process()).dead:  # noqa: ASYNC110 - only tmux knows
            await asyncio.sleep(0)
    return process


def started(pid: str | int | None, program: str) -> Path:
    """Return /proc/PID once it is the program: between fork and exec it is still tmux."""
    proc = Path(f"/proc/{pid}")
    while not (proc / "cmdline").read_text().startswith(f"{program}\0"):
        pass
    return proc


# ------------------------------------------------------------------------------------------------ building


def test_a_session_is_built_once_and_found_again_whatever_is_active(tmux_socket: str) -> None:
    pane = asyncio.run(ensured(tmux_socket))
    tmux(tmux_socket, "new-window", "-t", "=ccmux-x:", "sleep", "infinity")
    tmux(tmux_socket, "split-window", "-t", "=ccmux-x:", "sleep", "infinity")

    assert asyncio.run(ensured(tmux_socket)) == pane
    assert len(tmux(tmux_socket, "list-panes", "-s", "-t", "=ccmux-x:").splitlines()) == 3


def test_a_new_server_is_started_behind_the_callers_words_with_the_callers_environment(
    tmux_socket: str, tmp_path: Path
) -> None:
    way = ("env", "WAY=taken")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MINE": "1"}

    async def story() -> None:
        with closing(TmuxServer(tmux_socket, environment=environment, ways=lambda: [way])) as server:
            await server.ensure_session("ccmux-x", cwd="/")
            await server.ensure_session("ccmux-y", cwd="/")

    with capture_logs() as logs:
        asyncio.run(story())
    said = tmux(tmux_socket, "show-environment", "-g").splitlines()
    assert {"WAY=taken", "MINE=1"} <= set(said)
    assert not any(line.startswith("PYTEST_") for line in said)
    assert logs == []


def test_what_runs_in_a_server_that_we_started_has_the_limits_we_were_started_with(tmux_socket: str) -> None:
    before = _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    wanted = hard, hard

    async def story() -> None:
        with closing(TmuxServer(tmux_socket, limits={resource.RLIMIT_CORE: wanted})) as server:
            await server.ensure_session("ccmux-x", cwd="/")

    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    try:
        asyncio.run(story())
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    pane = tmux(tmux_socket, "new-window", "-P", "-F", "#{pane_pid}", "-t", "=ccmux-x:", "sleep", "infinity")
    assert resource.prlimit(int(pane), resource.RLIMIT_CORE) == wanted


def test_where_no_way_leads_anywhere_a_server_is_started_all_the_same_and_that_is_said(
    tmux_socket: str,
) -> None:
    ways = [("/nowhere/systemd-run", "--"), ("sh", "-c", "echo no manager >&2; exit 1")]

    async def story() -> None:
        with closing(TmuxServer(tmux_socket, ways=lambda: ways)) as server:
            await server.ensure_session("ccmux-x", cwd="/")

    with capture_logs() as logs:
        asyncio.run(story())
    assert tmux(tmux_socket, "list-sessions", "-F", "#{session_name}") == "ccmux-x\n"
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("tmux shares our control group", "no manager")
    ]


def test_a_server_that_waits_for_a_client_which_never_goes_is_ended_and_another_one_started(
    tmux_socket: str,
) -> None:
    tmux(tmux_socket, "new-session", "-d", "-s", "old", "sleep", "infinity")
    keyboard, client = attach_to(tmux_socket, "old")
    while not tmux(tmux_socket, "list-clients"):
        assert client.poll() is None
    client.send_signal(signal.SIGSTOP)
    tmux(tmux_socket, "kill-server")

    async def story() -> None:
        with closing(TmuxServer(tmux_socket)) as server:
            for _ in range(PATIENCE):
                with pytest.raises(PaneLost, match="server exited unexpectedly"):
                    await server.ensure_session("ccmux-x", cwd="/")
            async with asyncio.timeout(20):
                while True:
                    with suppress(PaneLost):  # the old one is on its way
                        await server.ensure_session("ccmux-x", cwd="/")
                        return

    with capture_logs() as logs:
        asyncio.run(story())
    client.kill()
    client.wait()
    os.close(keyboard)
    assert [log["event"] for log in logs] == ["old tmux server ended"]
    assert tmux(tmux_socket, "list-sessions", "-F", "#{session_name}") == "ccmux-x\n"


def test_a_server_that_takes_clients_is_never_taken_for_one_that_is_over(
    tmux_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccmux.drivers.tmux.leftover._HANG_UP_S", 0.1)
    tmux(tmux_socket, "new-session", "-d", "-s", "mine", "sleep", "infinity")
    path = Path(tmux(tmux_socket, "display-message", "-p", "#{socket_path}").strip())
    with capture_logs() as logs:
        for leftover in (Leftover(path), Leftover(tmp_path / "nobody")):
            for _ in range(PATIENCE):
                leftover.met()
    assert logs == []
    assert tmux(tmux_socket, "list-sessions", "-F", "#{session_name}") == "mine\n"


def test_a_session_whose_name_begins_alike_is_not_taken_for_ours(tmux_socket: str) -> None:
    other = asyncio.run(ensured(tmux_socket, "ccmux-x-longer"))
    ours = asyncio.run(ensured(tmux_socket, "ccmux-x"))
    assert ours != other
    assert sorted(tmux(tmux_socket, "list-sessions", "-F", "#{session_name}").split()) == [
        "ccmux-x",
        "ccmux-x-longer",
    ]


def test_a_pane_that_a_person_closed_is_built_again_in_the_same_session(tmux_socket: str) -> None:
    pane = asyncio.run(ensured(tmux_socket))
    tmux(tmux_socket, "new-window", "-t", "=ccmux-x:", "sleep", "infinity")
    tmux(tmux_socket, "kill-pane", "-t", pane)

    again = asyncio.run(ensured(tmux_socket))
    assert again != pane
    assert tmux(tmux_socket, "show-options", "-pv", "-t", again, "@ccmux_role") == "claude\n"


def test_only_our_own_pane_window_and_session_are_configured(tmux_socket: str) -> None:
    tmux(tmux_socket, "new-session", "-d", "-s", "mine", "sleep", "infinity")

    def config() -> list[str]:
        scopes = (
            ("-s",),
            ("-g",),
            ("-gw",),
            ("-t", "=mine:"),
            ("-w", "-t", "=mine:"),
            ("-p", "-t", "=mine:"),
        )
        return [tmux(tmux_socket, "show-options", *scope) for scope in scopes]

    before = config()
    pane = asyncio.run(ensured(tmux_socket))
    assert config() == before
    assert tmux(tmux_socket, "show-options", "-p", "-t", pane).splitlines() == [
        "@ccmux_role claude",
        "allow-rename off",
        "remain-on-exit on",
    ]
    facts = "#{window_name} #{history_limit} #{pane_width}x#{pane_height} #{session_windows}"
    assert tmux(tmux_socket, "display-message", "-p", "-t", pane, facts) == "claude 20000 200x50 1\n"


def test_a_session_stands_although_the_user_lets_unattached_ones_end(tmux_socket: str) -> None:
    tmux(tmux_socket, "new-session", "-d", "-s", "mine", "sleep", "infinity")
    tmux(tmux_socket, "set-option", "-t", "=mine:", "destroy-unattached", "off")
    tmux(tmux_socket, "set-option", "-g", "destroy-unattached", "on")
    pane = asyncio.run(ensured(tmux_socket))
    assert tmux(tmux_socket, "display-message", "-p", "-t", pane, "#{session_name}") == "ccmux-x\n"


@pytest.mark.parametrize("name", ["plain", "a #{pane_id} b", "#(id)", "x#[b##[", "c#", "t;", "ü~$HOME'\""])
def test_a_session_starts_in_its_folder_whatever_the_folder_is_called(
    tmux_socket: str, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    asyncio.run(ensured(tmux_socket, cwd=str(folder)))
    pid = tmux(tmux_socket, "display-message", "-p", "-t", "=ccmux-x:", "#{pane_pid}").strip()
    assert (started(pid, "sleep") / "cwd").readlink() == folder

    async def story() -> None:
        async with opened(tmux_socket) as pane:
            await pane.respawn(["sleep", "infinity", "0"], env={}, unset=(), cwd=str(folder))
            proc = started((await pane.process()).pid, "sleep")
            assert (proc / "cwd").readlink() == folder

    asyncio.run(story())


def test_the_users_own_server_is_named_so_that_an_outer_tmux_is_not_taken_for_it() -> None:
    with closing(TmuxServer("")) as server:
        assert server.socket_name == "default"


def test_what_tmux_refuses_is_a_lost_pane(tmux_socket: str) -> None:
    with pytest.raises(PaneLost, match="new-session"):
        asyncio.run(ensured(tmux_socket, session=""))


# ----------------------------------------------------------------------------------------------- respawning


def test_the_program_is_the_panes_own_process_and_gets_its_arguments_unchanged(tmux_socket: str) -> None:
    code = "import time; time.sleep(1000)"
    argv = [
        sys.executable,
        "-c",
        code,
        "two words",
        "q\"'",
        "$HOME",
        "a;",
        ";",
        "two\nlines",
        "~",
        "#{x}",
        "",
        "é\t",
    ]
    env = {"SECRET": 's3 cr;et$HOME\n"x"', "WANTED": "yes", "EMPTY": ""}

    async def story() -> None:
        async with opened(tmux_socket) as pane:
            assert await pane.process() == PaneProcess(pid=None, dead=False)
            tmux(tmux_socket, "set-environment", "-g", "STRAY", "1")
            tmux(tmux_socket, "set-environment", "-g", "WANTED", "stray")
            await pane.respawn(argv, env=env, unset={"STRAY", "WANTED"}, cwd="/")
            proc = started((await pane.process()).pid, argv[0])
            assert (proc / "cmdline").read_text().split("\0")[:-1] == argv
            got = dict(
                line.split("=", 1) for line in (proc / "environ").read_text().split("\0") if "=" in line
            )
            assert {name: got.get(name) for name in (*env, "STRAY")} == {**env, "STRAY": None}
            assert "SECRET" not in tmux(tmux_socket, "show-environment", "-t", "=ccmux-x:")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("argv", "process"),
    [
        (["sh", "-c", "exit 7"], PaneProcess(pid=None, dead=True, exit_status=7)),
        (["sh", "-c", "kill -9 $$"], PaneProcess(pid=None, dead=True, exit_signal=9)),
        (["true"], PaneProcess(pid=None, dead=True, exit_status=0)),
        (["/no such program", "x"], PaneProcess(pid=None, dead=True, exit_status=1)),
    ],
)
def test_a_dead_program_leaves_a_dead_pane_and_tells_how(
    tmux_socket: str, argv: list[str], process: PaneProcess
) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            await pane.respawn(argv, env={}, unset=(), cwd="/")
            assert await ended(pane) == process
            assert (await pane.look()).dead
            await pane.respawn(["sleep", "infinity", "0"], env={}, unset=(), cwd="/")
            assert (await pane.process()).pid is not None

    asyncio.run(story())


def test_a_program_without_arguments_is_no_shell_command(tmux_socket: str, tmp_path: Path) -> None:
    program = tmp_path / "a $program"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o700)

    async def story() -> None:
        async with opened(tmux_socket) as pane:
            await pane.respawn([str(program)], env={}, unset=(), cwd="/")
            assert (await ended(pane)).exit_status == 7

    asyncio.run(story())


def test_a_program_that_left_its_terminal_is_dead_to_the_pane_without_a_reason(
    tmux_socket: str, tmp_path: Path
) -> None:
    """What tmux says, too, when it missed the end of a program; asking goes on for a while and gives up."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    leave = ["sh", "-c", f"trap '' HUP; exec <&- >&- 2>&-; read x <'{fifo}'; exit 5"]

    async def story() -> None:
        async with opened(tmux_socket) as pane:
            await pane.respawn(leave, env={}, unset=(), cwd="/")
            assert await ended(pane) == PaneProcess(pid=None, dead=True)
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(ended(pane))
                await asyncio.to_thread(fifo.write_text, "go on\n")
            assert await asking == PaneProcess(pid=None, dead=True, exit_status=5)

    asyncio.run(story())


# ----------------------------------------------------------------------------------- looks, pastes and keys


def test_a_look_shows_rows_with_colours_cursor_and_copy_mode(tmux_socket: str) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            script = r"printf '%%end 1 2 1\r\n\033[31mred é\033[0m\r\n❯ x'; sleep 1000"
            await pane.respawn(["sh", "-c", script], env={}, unset=(), cwd="/")
            view = await until(pane.look, lambda view: "❯" in view.rows[2])
            assert view == PaneView(
                # colours run on from row to row
                rows=("%end 1 2 1", "\x1b[31mred é", "\x1b[39m❯ x", *[""] * 47),
                cursor=(3, 2),
                in_mode=False,
                dead=False,
                human_idle_s=None,
            )
            tmux(tmux_socket, "copy-mode", "-t", "=ccmux-x:")
            assert (await pane.look()).in_mode

    asyncio.run(story())


@pytest.mark.parametrize(
    "text",
    ["hello", "two\nlines;", "  #{x} $HOME ~ \\ \"'\t", "é❯👩‍👩‍👧" * 5000, "x" * 200_000],
    ids=["plain", "lines", "grammar", "unicode", "long"],
)
def test_a_paste_arrives_bracketed_and_to_the_byte(tmux_socket: str, tmp_path: Path, text: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    async def story() -> bytes:
        async with opened(tmux_socket) as pane:
            await pane.respawn([sys.executable, "-c", DUMP, str(fifo)], env={}, unset=(), cwd="/")
            await until(pane.look, lambda view: "READY" in view.rows[0])
            await pane.paste(text)
            await pane.press("Enter")
            got = await asyncio.to_thread(fifo.read_bytes)
        assert tmux(tmux_socket, "list-buffers") == ""
        return got

    assert asyncio.run(story()) == b"\x1b[200~" + text.encode() + b"\x1b[201~\r"


def test_only_the_few_known_keys_are_pressed(tmux_socket: str) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            for key in ("C-c", "hello", "Enter Enter", ""):
                with pytest.raises(ValueError, match="no key"):
                    await pane.press(key)

    asyncio.run(story())


def test_what_is_sent_since_a_look_is_not_sent_where_a_key_came_between_or_goes_elsewhere(
    tmux_socket: str,
) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            with attached(tmux_socket) as person:
                await pane.respawn(["cat"], env={}, unset=(), cwd="/")
                quiet = await until(pane.look, lambda view: view.keys_quiet_s > 0)
                os.write(person, b"p")
                await until(pane.look, lambda view: view.rows[0] == "p")
                assert not await pane.press("Enter", since=quiet)
                assert not await pane.paste("ours", "too", since=quiet)
                assert tmux(tmux_socket, "list-buffers") == ""
                quiet = await until(pane.look, lambda view: view.keys_quiet_s > 0)
                tmux(tmux_socket, "copy-mode", "-t", "=ccmux-x:")
                assert not await pane.press("Enter", since=quiet)
                assert not await pane.paste("ours", since=quiet)
                tmux(tmux_socket, "send-keys", "-X", "-t", "=ccmux-x:", "cancel")
                assert await pane.paste("ours", "too", since=quiet)
                assert await pane.press("Enter", since=quiet)
                await until(pane.look, lambda view: view.rows[:2] == ("pourstoo", "pourstoo"))

    asyncio.run(story())


def test_our_own_attaching_is_no_key_once_its_second_is_over(tmux_socket: str) -> None:
    async def story() -> None:
        wall_s = 0.0
        with closing(TmuxServer(tmux_socket)) as server:
            pane = ClaudePane(server, "ccmux-x", cwd="/", now=lambda: wall_s)
            await pane.open()
            asked = (
                "display-message",
                "-p",
                "-t",
                "=ccmux-x:",
                "#{session_last_attached} #{session_activity}",
            )
            attached_s, active_s = map(int, tmux(tmux_socket, *asked).split())
            assert attached_s == active_s
            wall_s = attached_s + 0.9
            assert (await pane.look()).keys_quiet_s == 0
            wall_s = attached_s + 1
            assert (await pane.look()).keys_quiet_s == math.inf
            with attached(tmux_socket):
                person_s = int(tmux(tmux_socket, *asked).split()[1])
                wall_s = person_s + 1.5
                assert (await pane.look()).keys_quiet_s == 0.5
            await pane.close()

    asyncio.run(story())


def test_a_person_counts_from_the_first_key_on_and_with_the_age_of_the_last(tmux_socket: str) -> None:
    async def story() -> None:
        wall_s, monotonic_s = 4e9, 5.0
        with closing(TmuxServer(tmux_socket)) as server:
            pane = ClaudePane(server, "ccmux-x", cwd="/", now=lambda: wall_s, monotonic=lambda: monotonic_s)
            await pane.open()
            ours, client = attach(tmux_socket)
            clients = ("list-clients", "-t", "=ccmux-x", "-F", "#{client_control_mode} #{client_activity}")
            try:
                while "0 " not in tmux(tmux_socket, *clients):
                    assert client.poll() is None
                assert (await pane.look()).human_idle_s is None

                def typed(view: PaneView) -> bool:
                    os.write(ours, b"x")  # counts as soon as it is another second than the attach's
                    return view.human_idle_s is not None

                await until(pane.look, typed)
                activity = max(
                    int(line.split()[1])
                    for line in tmux(tmux_socket, *clients).splitlines()
                    if line[0] == "0"
                )
                wall_s = activity + 7.5
                assert (await pane.look()).human_idle_s == 6.5
                wall_s = activity - 100  # set back: what lies ahead grows old all the same
                assert (await pane.look()).human_idle_s == 0
                monotonic_s += 40
                view = await pane.look()
                assert (view.human_idle_s, view.keys_quiet_s) == (40, 40)
            finally:
                client.kill()
                client.wait()
                os.close(ours)
                await pane.close()

    asyncio.run(story())


# ------------------------------------------------------------------------------------------------- the loss


LOSSES: dict[str, list[tuple[str, ...]]] = {
    "session killed": [("kill-session", "-t", "=ccmux-x")],
    "server killed": [("kill-server",)],
    "client detached": [("detach-client", "-s", "=ccmux-x")],
    "session killed, clients go to another": [
        ("new-session", "-d", "-s", "mine", "sleep", "infinity"),
        ("set-option", "-g", "detach-on-destroy", "off"),
        ("kill-session", "-t", "=ccmux-x"),
    ],
}


@pytest.mark.parametrize("commands", LOSSES.values(), ids=LOSSES)
def test_a_loss_is_told_to_who_waits_and_to_who_calls_and_open_mends_it(
    tmux_socket: str, commands: list[tuple[str, ...]]
) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            for words in commands:
                tmux(tmux_socket, *words)
            async with asyncio.timeout(20):
                await pane.wait_closed()
            for call in (pane.look, pane.process, lambda: pane.paste("x"), lambda: pane.press("Enter")):
                with pytest.raises(PaneLost):
                    await call()
            await pane.open()
            assert await pane.process() == PaneProcess(pid=None, dead=False)

    asyncio.run(story())


def test_a_closed_pane_in_a_living_session_is_a_loss_at_the_next_call(tmux_socket: str) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            tmux(tmux_socket, "new-window", "-t", "=ccmux-x:", "sleep", "infinity")
            tmux(tmux_socket, "kill-window", "-t", "=ccmux-x:=claude")
            with pytest.raises(PaneLost, match="can't find pane"):
                await pane.look()
            await pane.wait_closed()
            await pane.open()
            assert len((await pane.look()).rows) == 50

    asyncio.run(story())


def test_a_call_that_waits_when_the_client_goes_is_told(tmux_socket: str) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane, asyncio.TaskGroup() as group:
            client = pane._client
            assert client is not None

            async def wait() -> None:
                with pytest.raises(PaneLost, match="a call that waits"):
                    async with asyncio.timeout(8):  # told, not found out by waiting for the answer
                        await client.call("a call that waits", "wait-for never", "display-message -p x")

            group.create_task(wait())
            detach = ("tmux", "-L", tmux_socket, "detach-client", "-s", "=ccmux-x")
            await (await asyncio.create_subprocess_exec(*detach)).wait()

    asyncio.run(story())


def test_a_cancelled_call_does_not_put_the_next_one_out_of_step(tmux_socket: str) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            for _ in range(20):
                looking = asyncio.get_running_loop().create_task(pane.look())
                await asyncio.sleep(0)
                looking.cancel()
                assert (await pane.process()).dead is False
                with pytest.raises(asyncio.CancelledError):
                    await looking

    asyncio.run(story())


def test_nothing_works_before_it_is_open_or_without_a_session(tmux_socket: str) -> None:
    async def story() -> None:
        with closing(TmuxServer(tmux_socket)) as server:
            pane = ClaudePane(server, "ccmux-x", cwd="/")
            await pane.wait_closed()
            with pytest.raises(PaneLost, match="not open"):
                await pane.look()
            with pytest.raises(PaneLost):
                await ControlClient.attached(tmux_socket, "ccmux-x")
            await server.ensure_session("ccmux-y", cwd="/")
            with pytest.raises(PaneLost, match="attach-session"):
                await ControlClient.attached(tmux_socket, "ccmux-x")

    asyncio.run(story())


def test_the_session_ends_when_asked_twice_too(tmux_socket: str) -> None:
    async def story() -> None:
        async with opened(tmux_socket) as pane:
            await pane.kill_session()
            await pane.kill_session()

    tmux(tmux_socket, "new-session", "-d", "-s", "ccmux-x-other", "sleep", "infinity")
    asyncio.run(story())
    assert tmux(tmux_socket, "list-sessions", "-F", "#{session_name}") == "ccmux-x-other\n"


def test_only_a_program_that_runs_in_our_pane_is_hosted_and_asking_makes_nothing(tmux_socket: str) -> None:
    async def story() -> None:
        with closing(TmuxServer(tmux_socket)) as server:
            assert not await server.hosts("ccmux-x")
            with pytest.raises(subprocess.CalledProcessError):
                tmux(tmux_socket, "list-sessions")
            async with opened(tmux_socket) as pane:
                assert not await server.hosts("ccmux-x"), "it waits for one"
                await pane.respawn(["sleep", "1000"], env={}, unset=(), cwd="/")
                assert await server.hosts("ccmux-x")
                assert not await server.hosts("ccmux")
                await pane.respawn(["false"], env={}, unset=(), cwd="/")
                await ended(pane)
                assert not await server.hosts("ccmux-x"), "it has ended"

    asyncio.run(story())


# -------------------------------------------------------------------------------------------------- quoting

TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200),
    st.text("\\\"'$~;#{}%[]\n\t\x1b \r-=!&|<>aé❯😀", max_size=60),
    st.builds(str.__mul__, st.sampled_from(["\\;\n", 'é"$H', "~ {", "#{", "%%if\n"]), st.integers(1, 5000)),
)


# Few examples of many texts each: every example attaches a client anew.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(texts=st.lists(TEXTS.filter(bool), min_size=10, max_size=30))
def test_whatever_is_quoted_reaches_tmux_unchanged(
    tmux_socket: str, tmp_path: Path, texts: list[str]
) -> None:
    saved = tmp_path / "saved"

    async def story() -> None:
        await ensured(tmux_socket)
        client = await ControlClient.attached(tmux_socket, "ccmux-x")
        try:
            for text in texts:
                await client.call("quote", f"set-buffer -- {quote(text)}", f"save-buffer {quote(str(saved))}")
                assert saved.read_bytes() == text.encode()
                line = text.replace("\n", " ")
                _, shown = await client.call(
                    "quote", f"set-environment X {quote(line)}", "show-environment X"
                )
                assert b"\n".join(shown.lines) == b"X=" + line.encode()
        finally:
            await client.close()

    asyncio.run(story())
