"""Owns the secrets that are made up here: makes each when first needed, refuses one that others could read.

They are `secrets/api_token` and what noise is made with. None goes to a log, a command line or the project's
files.
"""

from __future__ import annotations

import os
import secrets
import shlex
from pathlib import Path

from ccmux.core.errors import SecretUnsafe
from ccmux.paths import read_secret

FILE_NAME = "api_token"
_TOKEN_BYTES = 32


def api_token(secrets_dir: Path) -> str:
    """Return the token of the daemon's HTTP face, as `token_at`."""
    return token_at(secrets_dir / FILE_NAME)


def token_at(path: Path) -> str:
    """Return the token in this file, made anew where there is none.

    Raises:
        SecretUnsafe: Directory or file is not ours alone, or holds no token.

    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = read_secret(path)
        return _make(path) if held is None else _token(path, held)
    except OSError as error:
        raise SecretUnsafe(
            str(path), f"{error.strerror}", "make it a plain file of yours, or remove it"
        ) from error


def _token(path: Path, held: bytes) -> str:
    token = held.decode("ascii", "replace").strip()
    if not token or not token.isprintable() or not token.isascii() or " " in token:
        raise SecretUnsafe(
            str(path),
            "it holds no token",
            f"remove it, the next start makes one: rm {shlex.quote(str(path))}",
        )
    return token


def _make(path: Path) -> str:
    """Write a token beside its place and link it in: nobody reads half of one, and the first one stays."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(new)
    finally:
        new.unlink()
    return token
