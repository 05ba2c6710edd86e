"""Posts to the relay of live status: one request at a time, in a thread that nobody waits for at the end.

The key travels in the Authorization header alone, and nowhere but to the endpoint: no redirect is followed.
Proxies of the environment are used, as by everybody else.
"""

from __future__ import annotations

import asyncio
import http.client
import threading
import urllib.error
import urllib.request
from contextlib import suppress

from ccmux import __version__
from ccmux.core.errors import RelayFailed

TIMEOUT_S = 5.0


class HttpRelay:
    """Fulfils `Relay`."""

    def __init__(self, endpoint: str, key: str) -> None:
        """`endpoint` is what stands before `/api/live/...`; http or https."""
        self._endpoint = endpoint.rstrip("/")
        self._key = key
        self._opener = _opener()

    async def post(self, path: str, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        posted = loop.create_future()

        def done(reason: str) -> None:
            if not posted.done():
                posted.set_result(reason)

        def work() -> None:
            reason = self._post(path, body)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done, reason)

        threading.Thread(target=work, name="ccmux-relay", daemon=True).start()
        reason = await posted
        if reason:
            raise RelayFailed(self._endpoint, reason)

    def _post(self, path: str, body: bytes) -> str:
        """Post and return what went wrong, "" where nothing did."""
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "User-Agent": f"ccmux/{__version__}",
        }
        try:
            # The opener knows http and https alone.
            url = self._endpoint + path
            request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310
            with self._opener.open(request, timeout=TIMEOUT_S):
                return ""
        except urllib.error.HTTPError as error:
            error.close()
            return f"it says {error.code} {error.reason}"
        except (OSError, http.client.HTTPException) as error:
            return str(getattr(error, "reason", "") or error) or type(error).__name__
        except ValueError:  # its own words would repeat the key
            return "the address is no URL, or the key cannot stand in a request"


def _opener() -> urllib.request.OpenerDirector:
    """Return what follows no redirect and opens http and https alone, through the proxies that are set."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
