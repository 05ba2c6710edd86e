"""Answers Claude's folder-trust question beforehand, in the text of `.claude.json`.

Whether the user wants that is decided elsewhere: `[claude] trust_folder`.
"""

from __future__ import annotations

import json


def with_trust(text: str | None, folder: str) -> str | None:
    """Return the text with `folder` trusted and all else kept; None where nothing has to change, or can.

    Args:
        text: The file's content, None where there is no file.
        folder: Absolute, as Claude keys trust: the git repository's root, or where it is started.
    """
    try:
        state = json.loads(text) if text is not None else {}
    except ValueError:
        return None  # Claude says itself what is wrong with its file, and offers the backup
    if not isinstance(state, dict):
        return None
    projects = state.setdefault("projects", {})
    if not isinstance(projects, dict):
        return None
    project = projects.setdefault(folder, {})
    if not isinstance(project, dict) or project.get("hasTrustDialogAccepted") is True:
        return None
    project["hasTrustDialogAccepted"] = True
    return json.dumps(state, indent=2)  # \u escapes: the text may hold halves of surrogate pairs


__all__ = ["with_trust"]
