import json
import logging
from pathlib import Path

import pytest
import structlog

from ccmux.drivers.logs import logging_to


def test_lines_go_to_a_private_file_as_json_with_their_facts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ccmux.log"
    with logging_to(path, verbose=False):
        log = structlog.get_logger()
        log.info("message settled", message_id=7)
        log.debug("not wanted")
        logging.getLogger("uvicorn").info("chatter")
        logging.getLogger("elsewhere").warning("a library complains")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("message settled", "info"),
        ("a library complains", "warning"),
    ]
    assert lines[0]["message_id"] == 7
    assert path.stat().st_mode & 0o777 == 0o600
    assert "message settled" in capsys.readouterr().err


def test_verbose_adds_the_debug_lines(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.log"
    with logging_to(path, verbose=True):
        structlog.get_logger().debug("wanted")
    assert json.loads(path.read_text())["event"] == "wanted"
