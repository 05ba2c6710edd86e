import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from ccmux.drivers.logs import logging_to


def test_lines_go_to_a_private_file_as_json_with_their_facts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ccmux.log"
    with logging_to(path):
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


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_journal_gets_a_weight_and_no_time(tmp_path: Path, *, is_ours: bool) -> None:
    says = (
        "import os, sys, structlog\n"
        "from pathlib import Path\n"
        "from ccmux.drivers.logs import logging_to\n"
        "found = os.fstat(2)\n"
        "journal = f'{found.st_dev}:{found.st_ino + (sys.argv[2] != \"True\")}'\n"
        "with logging_to(Path(sys.argv[1]), journal=journal):\n"
        "    log = structlog.get_logger()\n"
        "    for level in ('info', 'warning', 'error', 'critical'):\n"
        "        getattr(log, level)('said', pid=7)\n"
    )
    path = tmp_path / "log"
    argv = [sys.executable, "-c", says, str(path), str(is_ours)]
    lines = subprocess.run(argv, capture_output=True, check=True, text=True).stderr.splitlines()
    weights, facts = zip(*(line.rsplit("{", 1) for line in lines), strict=True)
    assert weights == (("<6>", "<4>", "<3>", "<2>") if is_ours else ("",) * 4)
    assert all(("timestamp" in json.loads("{" + fact)) is not is_ours for fact in facts)
    assert all("timestamp" in json.loads(line) for line in path.read_text().splitlines())
