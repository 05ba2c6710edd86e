"""Fixtures that more than one test file needs."""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

# A shell that starts tests in its background ignores SIGINT, and so would every program they press Ctrl-C in.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def tmux_socket() -> Iterator[str]:
    """Yield a name for `tmux -L` of the test's own; the server and whatever runs in it end with the test."""
    name = f"ccmux-test-{uuid.uuid4().hex[:12]}"
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
    (Path(os.environ.get("TMUX_TMPDIR", "/tmp")) / f"tmux-{os.getuid()}" / name).unlink(missing_ok=True)
