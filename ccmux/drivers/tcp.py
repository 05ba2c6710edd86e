"""Asks whether somebody answers on a TCP port, and whether our own HTTP face does. Blocking, with a limit."""

from __future__ import annotations

import http.client
import json
import socket


def connect_problem(host: str, port: int, *, limit_s: float) -> str:
    """Return "" where a connection is taken, else why not. Nothing is said on it."""
    try:
        with socket.create_connection((host, port), timeout=limit_s):
            return ""
    except OSError as error:
        return _reason(error, limit_s)


def health_problem(port: int, *, limit_s: float, host: str = "127.0.0.1") -> str:
    """Return "" where /healthz answers as ours does, else what came in its place."""
    connection = http.client.HTTPConnection(host, port, timeout=limit_s)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = answer.read(1_000)
    except OSError as error:
        return _reason(error, limit_s)
    except http.client.HTTPException:
        return "what listens there does not speak HTTP"
    finally:
        connection.close()
    try:
        is_ours = answer.status == http.HTTPStatus.OK and json.loads(said) == {"ok": True}
    except ValueError:
        is_ours = False
    return "" if is_ours else f"another program listens there (it answers {answer.status})"


def _reason(error: OSError, limit_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {limit_s:g} s"
    return (error.strerror or str(error)).lower()
