"""Fixtures that more than one test file needs."""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shell that starts tests in its background ignores SIGINT, and so would every program they press Ctrl-C in.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the business of who else is on the machine, not of what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


SCREENSHOTS = Path(__file__).parents[1] / ".cache/screenshots"
_STARTED_AT = time.time()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where pictures of the relay's page are, for people to look at."""
    if any(picture.stat().st_mtime >= _STARTED_AT for picture in SCREENSHOTS.glob("*.png")):
        terminalreporter.write_line(f"screenshots of the relay's page: {SCREENSHOTS}")


@pytest.fixture
def tmux_socket() -> Iterator[str]:
    """Yield a name for `tmux -L` of the test's own; the server and whatever runs in it end with the test."""
    name = f"ccmux-test-{uuid.uuid4().hex[:12]}"
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
    (Path(os.environ.get("TMUX_TMPDIR", "/tmp")) / f"tmux-{os.getuid()}" / name).unlink(missing_ok=True)
