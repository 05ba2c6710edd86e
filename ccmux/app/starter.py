"""What must be in place before Claude starts: hook shim, settings file, `.mcp.json`, trust."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import structlog

from ccmux.core import json_text, mcp_config
from ccmux.core.errors import ClaudeNotFound, LaunchRefused
from ccmux.core.launch import Launch, LaunchProblem, plan_launch, settings_file
from ccmux.core.session_plan import SessionPlan
from ccmux.core.settings import ClaudeSettings
from ccmux.drivers import hook_shim, project_files
from ccmux.drivers.claude_home import ClaudeHome
from ccmux.paths import Paths

log = structlog.get_logger()


class Starter:
    """Prepares one start of Claude after the other."""

    def __init__(
        self,
        *,
        settings: ClaudeSettings,
        paths: Paths,
        home: ClaudeHome,
        inherited: Mapping[str, str],
        token: str,
        port: int,
        cwd: Path,
    ) -> None:
        """Wire it up; `inherited` is the daemon's environment, `cwd` the project's folder."""
        self._settings = settings
        self._paths = paths
        self._home = home
        self._inherited = inherited
        self._token = token
        self._port = port
        self._cwd = cwd

    async def prepare(self, plan: SessionPlan) -> Launch:
        """Put everything in place and return how to start.

        Raises:
            ClaudeNotFound: There is no such program.
            LaunchRefused: The user's own `--settings` cannot be used.
            ProjectFileFailed: A file cannot be read or written.
        """
        launch = plan_launch(
            plan,
            command=(self.find_program(), *self._settings.command[1:]),
            args=self._settings.args,
            claude_env=self._settings.env,
            proxy=self._settings.proxy,
            inherited=self._inherited,
            cwd=str(self._cwd),
            token=self._token,
            settings_path=str(self._paths.claude_settings),
            hook=hook_shim.command(self._paths.hook_shim, self._paths.hook_spool),
            user_settings_text=self._users_settings(),
        )
        if isinstance(launch, LaunchProblem):
            raise LaunchRefused(launch.reason)
        for warning in launch.warnings:
            log.warning("claude start warned", reason=warning)
        hook_shim.install(self._paths.hook_shim)
        project_files.replace(self._paths.claude_settings, launch.settings_json.encode(), mode=0o600)
        self._keep_mcp_config()
        if self._settings.trust_folder:
            self._home.trust(str(self._cwd))
        return launch

    def find_program(self) -> str:
        """Return the program's path: tmux's server may have another PATH than we.

        Raises:
            ClaudeNotFound: There is no such program.
        """
        path = self._settings.env.get("PATH", self._inherited.get("PATH", os.defpath))
        program = self._settings.command[0]
        found = shutil.which(program, path=path)
        if found is None:
            raise ClaudeNotFound(program)
        return str(Path(found).absolute())

    def _users_settings(self) -> str | None:
        named = settings_file(self._settings.args)
        if named is None:
            return None
        content = project_files.read(self._cwd / Path(named).expanduser())
        if content is None:
            raise LaunchRefused(f"--settings in [claude] args names {named}, and there is no such file")
        return content.decode("utf-8", "replace")

    def _keep_mcp_config(self) -> None:
        path = self._cwd / ".mcp.json"
        match mcp_config.renewed(project_files.read(path), self._port):
            case json_text.Updated(content):
                project_files.replace(path, content)
                log.info("mcp entry written", path=str(path))
            case json_text.Unparsable(reason):
                log.error("mcp entry not written", path=str(path), reason=reason)
            case json_text.Unchanged():
                pass
