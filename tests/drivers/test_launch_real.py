"""What is planned in core/launch.py, carried out on the real CLI in a real tmux."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from ccmux.core.launch import Launch, plan_launch
from ccmux.core.observation import PaneProcess
from ccmux.core.session_plan import SessionPlan
from ccmux.drivers import hook_shim
from ccmux.drivers.claude_home import ClaudeHome
from ccmux.drivers.tmux import ClaudePane, TmuxServer
from ccmux.paths import claude_paths
from ccmux.ports import FileChange, FileEvent
from ccmux.trial.api import ScriptedApi
from tests.claude.real import find_claude, scratch_home

pytestmark = pytest.mark.real_claude


class Unwatched:
    def watch(
        self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]
    ) -> AbstractContextManager[None]:
        raise AssertionError(path)


class Stage:
    """A project with awkward names, and a pane that Claude can be started in."""

    def __init__(self, base: Path, api: ScriptedApi, pane: ClaudePane) -> None:
        self.pane = pane
        self.project = base / "my project $HOME"
        self.spool = base / "spool"
        self._base = base
        self._seen: set[str] = set()
        for folder in (self.project, self.spool):
            folder.mkdir()
        self._shim = base / "the 'hook' $x.sh"
        hook_shim.install(self._shim)
        # As where the daemon itself was started inside another Claude.
        nested = {"CLAUDECODE": "1", "CLAUDE_CODE_CHILD_SESSION": "1"}
        home = scratch_home(base / "home", self.project)
        self._inherited = {**home, **nested, "ANTHROPIC_BASE_URL": api.url}

    async def start(self, plan: SessionPlan, *args: str) -> None:
        settings = self._base / "claude settings.json"
        launch = plan_launch(
            plan,
            command=(find_claude(),),
            args=args,
            claude_env={},
            proxy="",
            inherited=self._inherited,
            cwd=str(self.project),
            token="t0ken",
            settings_path=str(settings),
            hook=hook_shim.command(self._shim, self.spool),
        )
        assert isinstance(launch, Launch)
        settings.write_text(launch.settings_json)
        await self.pane.respawn(launch.argv, env=launch.env, unset=launch.unset, cwd=launch.cwd)

    async def submit(self, text: str) -> None:
        await self.pane.paste(text)
        await self.pane.press("Enter")

    async def hook(self, name: str) -> dict[str, Any]:
        """Return the next event of this name that was not returned before."""
        async with asyncio.timeout(60):
            while True:
                for file in sorted(self.spool.glob("*.json")):
                    event: dict[str, Any] = json.loads(file.read_bytes())
                    if event["hook_event_name"] == name and file.name not in self._seen:
                        self._seen.add(file.name)
                        return event
                await asyncio.sleep(0.01)

    async def shows(self, seen: Callable[[str], bool]) -> str:
        async with asyncio.timeout(60):
            while not seen(screen := "\n".join((await self.pane.look()).rows)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return screen

    async def ended(self) -> PaneProcess:
        async with asyncio.timeout(60):
            while not (process := await self.pane.process()).dead:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return process


@asynccontextmanager
async def staged(base: Path, socket: str) -> AsyncIterator[Stage]:
    with ScriptedApi() as api, closing(TmuxServer(socket)) as server:
        pane = ClaudePane(server, "ccmux-real", cwd=str(base))
        await pane.open()
        try:
            yield Stage(base, api, pane)
        finally:
            await pane.kill_session()


def test_claude_is_the_panes_own_process_and_tells_all_through_the_spool(
    tmp_path: Path, tmux_socket: str
) -> None:
    session_id = str(uuid.uuid4())

    async def story() -> None:
        async with staged(tmp_path, tmux_socket) as stage:
            await stage.start(
                SessionPlan(session_id=session_id, resume=False), "--dangerously-skip-permissions"
            )
            started = await stage.hook("SessionStart")
            assert (started["session_id"], started["source"]) == (session_id, "startup")
            await stage.shows(lambda screen: "❯" in screen)

            process = await stage.pane.process()
            proc = Path(f"/proc/{process.pid}")
            assert (proc / "exe").samefile(find_claude())
            assert (proc / "cwd").readlink() == stage.project.resolve()
            assert b"t0ken" not in (proc / "cmdline").read_bytes()
            assert b"CCMUX_TOKEN=t0ken" in (proc / "environ").read_bytes().split(b"\0")

            text = "[12:00 a] hello\n    $HOME 'é' ; #{x}"
            await stage.submit(text)
            assert (await stage.hook("UserPromptSubmit"))["prompt"] == text
            stopped = await stage.hook("Stop")
            home = ClaudeHome(claude_paths({"CLAUDE_CONFIG_DIR": f"{tmp_path}/home"}), events=Unwatched())
            assert stopped["transcript_path"] == home.transcript_path(str(stage.project), session_id)

            await stage.submit("/exit")
            assert await stage.ended() == PaneProcess(pid=None, dead=True, exit_status=0)
            assert (await stage.hook("SessionEnd"))["session_id"] == session_id

            await stage.start(SessionPlan(session_id=session_id, resume=True))
            again = await stage.hook("SessionStart")
            assert (again["session_id"], again["source"]) == (session_id, "resume")

    asyncio.run(story())


def test_our_hook_hears_a_permission_request_and_leaves_the_answer_to_the_person(
    tmp_path: Path, tmux_socket: str
) -> None:
    async def story() -> None:
        async with staged(tmp_path, tmux_socket) as stage:
            plan = SessionPlan(session_id=str(uuid.uuid4()), resume=False)
            await stage.start(plan, "--permission-mode", "manual")
            await stage.hook("SessionStart")
            await stage.shows(lambda screen: "❯" in screen)
            await stage.submit("run touch made")
            assert (await stage.hook("PermissionRequest"))["tool_name"] == "Bash"
            await stage.hook("Notification")  # six seconds on, the dialog still waits
            assert not (stage.project / "made").exists()
            await stage.pane.press("Enter")
            await stage.hook("Stop")
            assert (stage.project / "made").exists()

    asyncio.run(story())
