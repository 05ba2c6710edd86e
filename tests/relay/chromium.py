"""Debian's Chromium, headless, with a profile of its own; and a relay that it looks at."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from ccmux.trial.waiting import until
from tests.conftest import SCREENSHOTS

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
KEY = "the-key"

_FLAGS = (
    "--no-sandbox",  # it does not start as root with one; it sees pages of ours alone
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
_TO_LOOPBACK_ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """Start a browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*_FLAGS, _TO_LOOPBACK_ALONE, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """A browser's window, as tests ask of it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self._scripts: list[str] = []

    def before_anything(self, script: str) -> None:
        """Run a script in each page before its own."""
        added = self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        self._scripts.append(added["identifier"])

    def look(self, *, width: int = 1200, height: int = 800, dark: bool = False, still: bool = False) -> None:
        """Look at it so."""
        media = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in media.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def ask(self, script: str, *arguments: object) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """Return the text of the first element, "" where there is none."""
        return str(self.ask("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that are to be seen."""
        found: list[str] = self.ask(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter((one) => one.checkVisibility()).map((one) => one.textContent)",
            selector,
        )
        return found

    def is_seen(self, selector: str) -> bool:
        return bool(self.texts(selector))

    def until_text(self, selector: str, text: str) -> None:
        until(
            lambda: self.text(selector) == text,
            lambda: f"{selector} is {self.text(selector)!r}, not {text!r}",
        )

    def screenshot(self, name: str) -> None:
        """Keep what is to be seen, for people."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    def complaints(self) -> list[str]:
        """Return what the browser complained of since it was last asked."""
        return [f"{line['level']} {line['message']}" for line in self._log()]

    def _log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.driver.execute("getLog", {"type": "browser"})["value"]
        return found

    def rest(self) -> None:
        """Leave nothing to the next test."""
        for script in self._scripts:
            self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script})
        self._scripts.clear()
        self.open("about:blank")
        self.complaints()


class Relay:
    """The program, on a port of its own that stays the same when it is started again."""

    def __init__(self, *argv: str) -> None:
        self._argv = argv
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        program = str(Path(sys.executable).with_name("ccmux-relay"))
        environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "CC_LIVE_API_KEY": KEY}
        self._process = subprocess.Popen(
            [program, "--port", str(self.port), *self._argv],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.port = json.loads(self._process.stderr.readline())["port"]

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def freeze(self) -> None:
        """Let it hold its connections and do nothing, as one does whose host sleeps."""
        self._process.send_signal(signal.SIGSTOP)

    def tell(self, *sessions: dict[str, Any]) -> None:
        """Report these sessions; who comes from here on finds them there."""
        self._post("heartbeat", {"sessions": sessions})
        self._until_shown(len(sessions))

    def stop(self) -> None:
        """Report that the last session has ended; who comes from here on finds none."""
        self._post("stop", {})
        self._until_shown(0)

    def _until_shown(self, count: int) -> None:
        """Wait for the relay's word: it pauses between two states, and shows the older one meanwhile."""
        until(lambda: f"\nccmux_relay_sessions {count}\n" in self._ask("GET", "/metrics"), "shown")

    def _post(self, path: str, body: object) -> None:
        self._ask("POST", f"/api/live/{path}", json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None = None) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read().decode()
        finally:
            connection.close()


@contextmanager
def relay(*argv: str) -> Iterator[Relay]:
    """Run a relay."""
    started = Relay(*argv)
    try:
        yield started
    finally:
        started.end()
