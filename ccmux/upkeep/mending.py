"""Carries out what the doctor may mend by itself: deletes nothing, ends nobody, touches only what is ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ccmux.core.doctor import Diagnosis, Fix, FixKind
from ccmux.core.errors import CcmuxError
from ccmux.drivers import modes
from ccmux.drivers.systemd.manager import UserManager


def mend(diagnoses: Iterable[Diagnosis], environment: Mapping[str, str]) -> list[str]:
    """Do every fix, in order, and return a sentence each: what was done, or why it was not."""
    fixes = [fix for diagnosis in diagnoses for fix in diagnosis.fixes]
    return [_done(fix, UserManager(environment)) for fix in dict.fromkeys(fixes)]


def _done(fix: Fix, manager: UserManager) -> str:
    try:
        failure = _STEPS[fix.kind](fix, manager)
    except (OSError, CcmuxError) as error:
        failure = str(error)
    return f"not done: {fix}: {failure}" if failure else f"done: {fix}"


def _chmod(fix: Fix, _manager: UserManager) -> str:
    modes.close_to_others(fix.target, fix.mode)
    return ""


def _mkdir(fix: Fix, _manager: UserManager) -> str:
    modes.make_folder(fix.target, fix.mode)
    return ""


def _reload(_fix: Fix, manager: UserManager) -> str:
    manager.reload()
    return ""


def _linger(_fix: Fix, manager: UserManager) -> str:
    return manager.enable_linger()


def _reset_failed(fix: Fix, manager: UserManager) -> str:
    manager.reset_failed(fix.target)
    return ""


_STEPS: Mapping[FixKind, Callable[[Fix, UserManager], str]] = {
    FixKind.CHMOD: _chmod,
    FixKind.MKDIR: _mkdir,
    FixKind.RELOAD: _reload,
    FixKind.LINGER: _linger,
    FixKind.RESET_FAILED: _reset_failed,
}
