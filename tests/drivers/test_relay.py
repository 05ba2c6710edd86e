import asyncio

import pytest
from structlog.testing import capture_logs

from ccmux.core.errors import RelayFailed
from ccmux.drivers import relay as driver
from ccmux.drivers.relay import HttpRelay
from ccmux.trial.ports import LentPort
from ccmux.trial.waiting import until
from tests.live.relay import RelayServer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def post(endpoint: str, *, key: str = "k3y") -> None:
    asyncio.run(HttpRelay(endpoint, key).post("/api/live/heartbeat", b'{"sessions":[]}'))


def test_a_body_is_posted_with_the_key() -> None:
    with RelayServer() as server:
        post(server.url + "/below/")
        [told] = server.posts
    assert (told.path, told.body) == ("/below/api/live/heartbeat", b'{"sessions":[]}')
    assert told.headers["Authorization"] == "Bearer k3y"
    assert told.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [301, 400, 401, 429, 500])
def test_what_is_not_taken_is_an_error_and_no_redirect_is_followed(status: int) -> None:
    with RelayServer() as server, RelayServer() as elsewhere:
        server.status, server.location = status, elsewhere.url
        with pytest.raises(RelayFailed, match=f"it says {status}"):
            post(server.url)
        assert elsewhere.posts == []


def test_nobody_there_is_an_error() -> None:
    port = LentPort()
    try:
        with pytest.raises(RelayFailed, match="refused"):
            post(f"http://127.0.0.1:{port.number}")
    finally:
        port.give_back()


def test_a_relay_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "TIMEOUT_S", 0.05)
    with RelayServer() as server:
        server.go_on.clear()
        with pytest.raises(RelayFailed, match="timed out"):
            post(server.url)


@pytest.mark.parametrize(
    "endpoint", ["file:///etc/passwd", "ftp://127.0.0.1", "nonsense", "http://[", "http://a b"]
)
def test_what_is_no_address_of_a_relay_is_an_error(endpoint: str) -> None:
    with pytest.raises(RelayFailed):
        post(endpoint)


def test_a_key_that_no_header_holds_is_not_repeated() -> None:
    with RelayServer() as server, pytest.raises(RelayFailed) as raised:
        post(server.url, key="s3cret\nX: y")
    assert "s3cret" not in str(raised.value)


def test_the_end_waits_for_no_relay() -> None:
    async def story(url: str) -> None:
        task = asyncio.get_running_loop().create_task(HttpRelay(url, "k").post("/x", b""), name="post")
        await asyncio.to_thread(until, lambda: bool(server.posts), "a post")
        task.cancel()

    with RelayServer() as server, capture_logs():
        server.go_on.clear()
        asyncio.run(story(server.url))
