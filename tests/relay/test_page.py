"""The page as a visitor sees it, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from ccmux.trial.waiting import until
from tests.relay.chromium import Page, Relay, chromium, relay

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title = 2</script>\u202e\u2066'

WORK: list[dict[str, Any]] = [
    {
        "session_id": "a",
        "total_tokens": 12_345_678,
        "tool_calls": 431,
        "user_prompts": 57,
        "active_time_seconds": 6_789,
        "last_prompt": "Look why the relay test flakes under load, mend it, and tell me what it was.\n"
        "Then run the whole suite twice.",
        "project": "ccmux",
        "model": "claude-opus-4-5-20251101",
        "state": "busy",
        "context_tokens": 123_456,
        "cost_usd": 4.3721,
        "tool_counts": {
            "Bash": 210,
            "Edit": 120,
            "Read": 80,
            "mcp__claude_ai_Linear__list_issues": 14,
            "Grep": 5,
            "Write": 2,
        },
    },
    {
        "session_id": "b",
        "total_tokens": 98_765,
        "tool_calls": 31,
        "user_prompts": 4,
        "active_time_seconds": 421,
        "last_prompt": "kfj wqpo zmxn vbtr yuei alsk djfh gqpw oeir utyz mxnc",
        "project": "private",
        "model": "claude-sonnet-4-5",
        "sensitive": True,
        "state": "waiting",
        "context_tokens": 45_000,
    },
    {
        "session_id": "c",
        "total_tokens": 512,
        "active_time_seconds": 9,
        "last_prompt": "hello",
        "project": "a-name-that-goes-on-and-on-without-any-place-where-a-line-could-break-in-two-at-all",
        "model": "claude-haiku-4-5",
    },
]

WATCH_TYPING = """
const seen = window.seen = [];
new MutationObserver((records) => {
  for (const { target } of records) {
    const typed = (target.closest ? target : target.parentElement)?.closest(".typed");
    if (typed) seen.push([typed.textContent, typed.classList.contains("writing")]);
  }
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield Page(driver)


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    window.look()
    yield window
    window.rest()


@pytest.fixture(scope="module")
def shared_host() -> Iterator[Relay]:
    with relay() as started:
        yield started


@pytest.fixture
def host(shared_host: Relay) -> Relay:
    """Return a relay that knows of nobody."""
    shared_host.stop()
    return shared_host


@pytest.fixture
def mortal_host() -> Iterator[Relay]:
    """Yield a relay that may be ended."""
    with relay() as started:
        yield started


def test_a_visitor_sees_whether_claude_is_at_work_as_it_changes(page: Page, host: Relay) -> None:
    page.open(host.url)
    page.until_text("#headline", "Nobody is at work")
    assert page.is_seen("#quiet")
    assert page.ask("return document.title") == "Live"
    host.tell(*WORK)
    page.until_text("#headline", "Claude is at work")
    assert not page.is_seen("#quiet")
    assert page.texts(".project") == [session["project"] for session in WORK]
    assert (
        page.ask("return document.title")
        == "● 3\u00a0sessions · 12.4M\u00a0tokens · 462\u00a0tool\u00a0calls"
    )
    assert page.ask("return document.getElementById('icon').href").endswith("/live.svg")
    host.tell(WORK[1])
    until(lambda: page.texts(".project") == ["private"], lambda: str(page.texts(".project")))
    host.stop()
    page.until_text("#headline", "Nobody is at work")
    assert page.is_seen("#quiet")
    assert page.texts(".card") == []
    assert page.complaints() == []


def test_numbers_and_words_are_such_as_people_read(page: Page, host: Relay) -> None:
    host.tell(*WORK, {"session_id": "d", "total_tokens": 9_007_199_254_740_991, "active_time_seconds": 7.9e6})
    page.open(host.url)
    until(lambda: len(page.texts(".card")) == 4, "four cards")

    def all_of(part: str) -> list[str]:
        return page.texts(f".{part}")

    assert all_of("model") == ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"]
    assert all_of("state") == ["working", "waits for an answer"]
    assert all_of("tokens") == ["12.3M", "98.8K", "512", "9,010T"]
    assert page.ask("return document.querySelector('.tokens').title") == "12,345,678"
    assert all_of("tools") == ["431", "31", "0", "0"]
    assert all_of("active") == ["1 h 53 min", "7 min", "9 s", "2,194 h 26 min"]
    assert all_of("context") == ["123K", "45K"]
    assert all_of("cost") == ["$4.37"]
    assert all_of("tool-counts li") == ["Bash 210", "Edit 120", "Read 80", "Linear: list issues 14", "Grep 5"]


def test_a_prompt_that_changes_is_typed_out_and_one_that_does_not_is_not(page: Page, host: Relay) -> None:
    page.before_anything(WATCH_TYPING)
    host.tell(WORK[2])
    page.open(host.url)
    page.until_text(".typed", "hello")
    assert not any(is_writing for _, is_writing in page.ask("return window.seen"))
    new = "Grüße an alle 👩‍👩‍👧 hier"
    host.tell(WORK[2] | {"last_prompt": new})
    page.until_text(".typed", new)
    written = [text for text, is_writing in page.ask("return window.seen") if is_writing]
    assert all(new.startswith(text) for text in written if text != "hello")
    assert len(set(written)) > 3
    assert not any(text.endswith(("👩", "\u200d")) for text in written)  # no character in pieces
    until(lambda: not page.is_seen(".writing"), "an end of the typing")
    host.tell(WORK[2] | {"last_prompt": new, "total_tokens": 513})
    page.until_text(".tokens", "513")
    assert not page.is_seen(".writing")


def test_who_wants_less_motion_gets_all_of_it_at_once(page: Page, host: Relay) -> None:
    page.look(still=True)
    page.before_anything(WATCH_TYPING)
    host.tell(WORK[2])
    page.open(host.url)
    page.until_text(".typed", "hello")
    host.tell(WORK[2] | {"last_prompt": "another"})
    page.until_text(".typed", "another")
    assert {text for text, _ in page.ask("return window.seen")} <= {"", "hello", "another"}
    assert page.ask("return document.getAnimations().length") == 0


def test_what_is_redacted_is_dimmed_and_labelled_and_never_read_out(page: Page, host: Relay) -> None:
    host.tell(*WORK[:2])
    page.open(host.url)
    until(lambda: len(page.texts(".card")) == 2, "two cards")
    assert page.texts(".label") == ["Latest prompt", "Latest prompt (redacted)"]
    dimmed = "return [...document.querySelectorAll('.typed')].map((one) => +getComputedStyle(one).opacity)"
    until(lambda: page.ask(dimmed)[0] == 1, "the first card")
    assert page.ask(dimmed)[1] < 0.6
    assert page.texts(".whole") == [WORK[0]["last_prompt"], ""]


def test_words_of_others_are_words(page: Page, host: Relay) -> None:
    session = dict.fromkeys(("session_id", "last_prompt", "project", "model", "state"), HOSTILE)
    host.tell(session | {"tool_counts": {HOSTILE: 1}})
    page.open(host.url)
    page.until_text(".project", HOSTILE)
    assert page.text(".typed") == HOSTILE
    assert page.text(".state") == HOSTILE
    assert page.ask("return document.querySelectorAll('main img, main script').length") == 0
    assert page.ask("return document.title").startswith("● 1")
    assert page.complaints() == []


def test_a_lost_relay_is_told_and_found_again_and_nothing_is_typed_again(
    page: Page, mortal_host: Relay
) -> None:
    page.before_anything(WATCH_TYPING)
    mortal_host.tell(*WORK)
    page.open(mortal_host.url)
    until(lambda: len(page.texts(".card")) == 3, "three cards")
    mortal_host.end()
    page.until_text("#headline", "Out of touch")
    page.until_text("#link-says", "The connection is lost. Trying to get it back.")
    assert page.ask("return document.body.dataset.state") == "lost"
    assert len(page.texts(".card")) == 3  # for as long as they may still be true
    page.screenshot("lost-light")
    mortal_host.start()
    page.until_text("#headline", "Nobody is at work")
    assert not page.is_seen("#link")
    mortal_host.tell(*WORK)
    until(lambda: len(page.texts(".card")) == 3, "three cards again")
    page.until_text(".typed", WORK[0]["last_prompt"])
    assert not any(is_writing for _, is_writing in page.ask("return window.seen"))


def test_a_visitor_need_not_wait_for_the_next_try(page: Page, mortal_host: Relay) -> None:
    page.before_anything(
        "const wait = window.setTimeout; window.setTimeout = (f, ms) => wait(f, ms * 1_000);"
    )
    page.open(mortal_host.url)
    page.until_text("#headline", "Nobody is at work")
    mortal_host.end()
    page.until_text("#headline", "Out of touch")
    mortal_host.start()
    page.driver.find_element(By.ID, "retry").click()
    page.until_text("#headline", "Nobody is at work")


def test_who_tells_nothing_for_ninety_seconds_is_not_at_work(page: Page, mortal_host: Relay) -> None:
    page.before_anything(
        "const wait = window.setTimeout;"
        "window.setTimeout = (f, ms) => { (window.waits ??= []).push(ms); return wait(f, ms / 100); };"
    )
    page.open(mortal_host.url)
    page.until_text("#headline", "Nobody is at work")
    page.ask("window.waits = []")
    mortal_host.tell(*WORK)
    until(lambda: page.ask("return window.waits.includes(90000)"), "a wait of 90 s")
    mortal_host.freeze()
    until(lambda: page.texts(".card") == [], "no card")
    assert page.text("#headline") == "Out of touch"
    assert page.ask("return document.title") == "Live"


def test_a_screen_reader_is_told_politely(page: Page, host: Relay) -> None:
    host.tell(*WORK)
    page.open(host.url)
    until(lambda: len(page.texts(".card")) == 3, "three cards")
    tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    told = {
        (node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]
    }
    assert {("region", "Sessions at work"), ("heading", "ccmux"), ("list", "Tools used most")} <= told
    assert {"article", "status", "main", "banner"} & {role for role, _ in told} >= {
        "article",
        "status",
        "main",
    }
    polite = (
        "return [...document.querySelectorAll('#headline, #link-says, .whole')].map((one) => one.ariaLive)"
    )
    assert set(page.ask(polite)) == {"polite"}
    assert page.ask("return document.documentElement.lang") == "en"
    static = {name for role, name in told if role == "StaticText"}
    assert WORK[0]["last_prompt"].replace("\n", " ") in {name.replace("\n", " ") for name in static}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_it_fits_its_window_and_can_be_read(page: Page, host: Relay, width: int, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    page.look(width=width, height=844, dark=dark, still=True)
    page.open(host.url)
    page.until_text("#headline", "Nobody is at work")
    page.screenshot(f"quiet-{width}-{scheme}")
    host.tell(*WORK)
    page.until_text("#headline", "Claude is at work")
    page.screenshot(f"live-{width}-{scheme}")
    assert page.ask("return document.documentElement.scrollWidth") <= width
    for selector in ("h1", "#sum", "h2", ".about", ".label", ".typed", "dt", "dd", ".tool-counts li"):
        assert page.ask(CONTRAST, selector) >= 4.5, selector  # WCAG 2.2, 1.4.3


CONTRAST = """
const light = (colour) => {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
  const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const one = document.querySelector(arguments[0]);
let behind = one;
while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
const [high, low] = [getComputedStyle(one).color, getComputedStyle(behind).backgroundColor]
  .map(light).sort((a, b) => b - a);
return (high + 0.05) / (low + 0.05);
"""


def test_nothing_is_asked_of_anybody_else(page: Page, host: Relay) -> None:
    page.open(host.url)
    page.until_text("#headline", "Nobody is at work")
    asked = page.ask("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert len(asked) >= 5
    assert [url for url in asked if not url.startswith(host.url)] == []
    assert page.ask("return document.cookie + localStorage.length + sessionStorage.length") == "00"


class Site(ThreadingHTTPServer):
    """Somebody's own site, whose pages have our dot."""

    relay = ""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server = self.server
            assert isinstance(server, Site)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(
                b"<!doctype html><title>mine</title>"
                b"<p>I am <span data-ccmux-live data-text data-live='busy'></span></p>"
                b"<p><i data-ccmux-live></i>"
                b'<script type="module" src="%sembed.js"></script>' % server.relay.encode()
            )

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(("127.0.0.1", 0), Site.Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_site_that_was_named_has_a_dot_of_its_own(page: Page, site: Site) -> None:
    with relay("--origins", site.origin) as host:
        site.relay = host.url
        page.open(site.origin)
        state = "return [...document.querySelectorAll('[data-ccmux-live]')].map((one) => one.dataset.state)"
        until(lambda: page.ask(state) == ["idle", "idle"], lambda: str(page.ask(state)))
        host.tell(*WORK)
        until(lambda: page.ask(state) == ["live", "live"], lambda: str(page.ask(state)))
        assert page.text("span[data-ccmux-live]") == " busy"
        assert page.text("i[data-ccmux-live]") == ""
        label = "return document.querySelector('i[data-ccmux-live]').ariaLabel"
        assert page.ask(label) == "Claude is at work"
        assert page.ask("return document.getAnimations().length") == 2
        page.screenshot("embed-live")
        host.stop()
        until(lambda: page.ask(state) == ["idle", "idle"], lambda: str(page.ask(state)))
        assert page.complaints() == []


def test_a_site_that_was_not_named_is_told_nothing(page: Page, site: Site, host: Relay) -> None:
    host.tell(*WORK)
    site.relay = host.url
    page.open(site.origin)
    state = "return document.querySelector('[data-ccmux-live]').dataset.state"
    until(lambda: any("403" in line for line in page.complaints()), "a refusal")
    assert page.ask(state) == "lost"
