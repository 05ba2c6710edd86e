import asyncio
import json
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ccmux.core.errors import ProjectFileFailed
from ccmux.drivers.claude_home import ClaudeHome, trust_key
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.paths import claude_paths
from ccmux.ports import FileChange, FileEvent


class NoEvents:
    """For tests that watch nothing."""

    def watch(
        self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]
    ) -> AbstractContextManager[None]:
        raise AssertionError(path)


@pytest.fixture
def home(tmp_path: Path) -> ClaudeHome:
    return ClaudeHome(claude_paths({"HOME": str(tmp_path)}), events=NoEvents())


def test_a_registry_file_is_read_as_it_is(home: ClaudeHome, tmp_path: Path) -> None:
    assert home.read(7) is None
    (tmp_path / ".claude/sessions").mkdir(parents=True)
    (tmp_path / ".claude/sessions/7.json").write_bytes(b'{"pid":7')
    assert home.read(7) == b'{"pid":7'


def test_every_change_of_a_registry_file_is_told_and_no_others(tmp_path: Path) -> None:
    async def story() -> None:
        events = InotifyFileEvents()
        try:
            home = ClaudeHome(claude_paths({"CLAUDE_CONFIG_DIR": f"{tmp_path}/config"}), events=events)
            changed = asyncio.Event()
            with home.watch(7, changed.set):
                folder = tmp_path / "config/sessions"
                assert stat.S_IMODE(folder.stat().st_mode) == 0o700
                (folder / "77.json").write_text("x")
                (folder / "77.json").unlink()
                for act in ((folder / "7.json").touch, lambda: (folder / "7.json").write_text("x")):
                    changed.clear()
                    act()
                    async with asyncio.timeout(20):
                        await changed.wait()
                changed.clear()
                told: list[str] = []
                with home.watch(77, lambda: told.append("77")):
                    (folder / "7.json").unlink()
                    async with asyncio.timeout(20):
                        await changed.wait()
                assert told == []
        finally:
            events.close()

    asyncio.run(story())


def test_a_transcript_is_where_claude_puts_it_or_where_it_is_found(home: ClaudeHome, tmp_path: Path) -> None:
    projects = tmp_path / ".claude/projects"
    assert home.transcript_path("/home/a.b/ü c", "1d") == str(projects / "-home-a-b---c/1d.jsonl")
    (projects / "-home-cut-h4sh").mkdir(parents=True)
    (projects / "-home-cut-h4sh/1d.jsonl").touch()
    assert home.transcript_path("/home/a.b/ü c", "1d") == str(projects / "-home-cut-h4sh/1d.jsonl")


def test_a_conversation_is_there_once_it_has_a_prompt(home: ClaudeHome, tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    assert not home.holds_conversation(str(file))
    assert not home.holds_conversation("")
    file.write_text('{"type":"mode","mode":"normal"}\n')
    assert not home.holds_conversation(str(file))
    with file.open("a") as more:
        more.write('{"parentUuid":null,"type":"user","message":{"role":"user","content":"hi"}}\n')
    assert home.holds_conversation(str(file))


# ----------------------------------------------------------------------------------------------------- trust


def test_trust_is_written_once_and_all_else_is_kept(home: ClaudeHome, tmp_path: Path) -> None:
    state = tmp_path / ".claude.json"
    state.write_text('{"theme": "dark", "projects": {"/other": {"x": 1}}}')
    state.chmod(0o640)
    project = tmp_path / "project"
    project.mkdir()

    assert home.trust(str(project))
    assert not home.trust(str(project))
    assert json.loads(state.read_text()) == {
        "theme": "dark",
        "projects": {"/other": {"x": 1}, str(project): {"hasTrustDialogAccepted": True}},
    }
    assert stat.S_IMODE(state.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == [".claude.json", "project"]


def test_a_linked_state_file_stays_a_link_and_a_new_one_is_private(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / ".claude.json").symlink_to(tmp_path / "real.json")
    home = ClaudeHome(claude_paths({"CLAUDE_CONFIG_DIR": str(config)}), events=NoEvents())
    assert home.trust("/p")
    assert (config / ".claude.json").is_symlink()
    assert "/p" in json.loads((tmp_path / "real.json").read_text())["projects"]
    assert stat.S_IMODE((tmp_path / "real.json").stat().st_mode) == 0o600


def test_a_state_file_that_cannot_be_changed_is_said_and_left_alone(home: ClaudeHome, tmp_path: Path) -> None:
    (tmp_path / ".claude.json").write_bytes(b"\xff")
    with pytest.raises(ProjectFileFailed, match="cannot be changed"):
        home.trust("/p")
    assert (tmp_path / ".claude.json").read_bytes() == b"\xff"
    nowhere = ClaudeHome(claude_paths({"HOME": f"{tmp_path}/nowhere"}), events=NoEvents())
    with pytest.raises(ProjectFileFailed, match="cannot be changed"):
        nowhere.trust("/p")


def test_trust_belongs_to_the_main_checkout(tmp_path: Path) -> None:
    main, worktree, nested, plain = (tmp_path / name for name in ("main", "worktree", "main/nested", "plain"))
    for folder in (main / ".git", main / "src/deep", worktree / "src", nested, plain):
        folder.mkdir(parents=True)
    (worktree / ".git").write_text(f"gitdir: {main}/.git/worktrees/w\n")
    (nested / ".git").write_text("gitdir: ../.git/modules/nested\n")
    (tmp_path / "link").symlink_to(main)

    assert trust_key(str(main / "src/deep")) == str(main)
    assert trust_key(str(tmp_path / "link" / "src")) == str(main)
    assert trust_key(str(worktree / "src")) == str(main)
    assert trust_key(str(nested)) == str(nested)
    assert trust_key(str(plain)) == str(plain)
