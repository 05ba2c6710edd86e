"""The doctor's round at Claude Code: program, version, login, and the settings that could make it deaf to us.

It asks Claude's own program, which calls nobody then, and reads Claude's files; it changes none of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ccmux.ask_program import ask_program
from ccmux.core.claude_version import version_in
from ccmux.core.doctor import claude
from ccmux.core.doctor.diagnosis import Diagnosis, warns
from ccmux.core.launch import bypasses
from ccmux.core.registry import read_registry
from ccmux.drivers import project_files
from ccmux.place import Place
from ccmux.upkeep.patient import Patient

_PROGRAM_S = 5.0
_MANAGED = Path("/etc/claude-code")
_NO_NETWORK = {
    # With these `claude auth status` tells what it knows and asks nobody: port 9 is closed.
    **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9"),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
}


def examine_claude(patient: Patient, place: Place) -> list[Diagnosis]:
    """Return what was found."""
    if claude.is_demo(patient.claude_command):
        return claude.judge_demo(patient.claude_command) + _claude_settings(patient)
    environment = patient.claude_environment
    is_at_work = patient.is_ours_up and claude.works(patient.daemon.status)
    path = environment.get("PATH", os.defpath)
    program, *words = patient.claude_command
    found = shutil.which(program, path=path)
    judged = [claude.judge_program(patient.claude_command, found, path=path)]
    if found is not None:
        said = ask_program([found, *words, "--version"], environment=environment, limit_s=_PROGRAM_S)
        version = version_in(said.out)
        judged += claude.judge_version(version, failure=said.failure, running=_running_version(patient))
        login = _login(patient, [found, *words], environment)
        judged.append(claude.overruled(login) if is_at_work else login)
    root = claude.judge_root(
        uid=patient.uid, bypasses=bypasses(place.settings.claude.args), environment=environment
    )
    if root is not None and found is not None and not is_at_work:
        judged.append(root)
    return judged + _claude_settings(patient)


def _running_version(patient: Patient) -> str:
    if patient.claude_pid is None:
        return ""
    raw = project_files.read(patient.claude_paths.config_dir / "sessions" / f"{patient.claude_pid}.json")
    entry = read_registry(raw) if raw is not None else None
    return entry.version if entry is not None else ""


def _login(patient: Patient, argv: list[str], environment: Mapping[str, str]) -> Diagnosis:
    theirs = patient.claude_paths
    if not theirs.state_file.exists():
        # Asked now, it would write that file.
        says = f"Claude was never started with {theirs.config_dir}: it will ask for theme and login"
        return warns("claude", "login", says, "start ccmux, then: ccmux attach")
    said = ask_program(
        [*argv, "auth", "status"], environment={**environment, **_NO_NETWORK}, limit_s=_PROGRAM_S
    )
    stored = (theirs.config_dir / ".credentials.json").exists()
    return claude.judge_login(said.out, failure=said.failure, stored=stored)


def _claude_settings(patient: Patient) -> list[Diagnosis]:
    here = Path.cwd() / ".claude"
    drop_ins = sorted((_MANAGED / "managed-settings.d").glob("*.json"))
    managed = [_MANAGED / "managed-settings.json", *drop_ins]
    theirs = patient.claude_paths.config_dir / "settings.json"
    users = [theirs, here / "settings.json", here / "settings.local.json"]
    found = []
    for path in [*managed, *users]:
        content = project_files.read(path)
        if content is not None:
            text = content.decode("utf-8", "replace")
            found.append(claude.SettingsFile(path=str(path), text=text, managed=path in managed))
    return claude.deafening(found)
