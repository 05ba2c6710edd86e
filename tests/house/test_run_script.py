"""`scripts/run`, as a newcomer without Claude Code types it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import tomli_w

from tests.house.stand import Stand, remove, short_folder, text_of

SCRIPT = Path(__file__).parents[2] / "scripts" / "run"


def test_it_says_what_to_type_and_hosts_the_demo_agent_where_claude_is_missing() -> None:
    subprocess.run([SCRIPT.with_name("setup"), "--dev"], check=True)  # what may take long is done then
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as stand:
            stand.settings["claude"] = {"command": ["claude-of-nobody"]}
            (stand.project / "ccmux.toml").write_text(tomli_w.dumps(stand.settings))
            with (folder / "stderr").open("wb") as said:
                stand.daemon = subprocess.Popen(
                    [SCRIPT],
                    cwd=stand.project,
                    env=stand.environment,
                    stdin=subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,
                )
            stand.until(stand._answers, "the daemon answers")
            told = (folder / "stderr").read_text()
            assert "'claude-of-nobody' is not on the PATH: the demo agent takes its place." in told
            assert f"echo hello > {stand.run}/in\n" in told
            stand.until_state("idle")
            assert text_of(stand.ask("hello")) == "You said: hello"
            assert stand.stop() == 0
    finally:
        remove(folder)


def test_it_says_what_is_wrong_in_the_settings_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "ccmux.toml").write_text("[timing]\nidle_threshold = 'long'\n")
    done = subprocess.run([SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "idle_threshold" in done.stderr
    assert "Traceback" not in done.stderr
