"""The measurements that nobody runs every day still measure."""

from __future__ import annotations

import pytest

from tests.bench import latency


def test_latency_measures_us_and_claude_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", "/tmp")  # it sets another one
    latency.main("demo", messages=1)
    first, claudes, ours = capsys.readouterr().out.splitlines()
    assert first.startswith("FIFO write to UserPromptSubmit (demo): median ")
    assert claudes.startswith("Claude's share (paste and Enter by hand): median ")
    assert ours.startswith("ours: ")
