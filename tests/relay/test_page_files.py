from __future__ import annotations

import re
from importlib.resources import files

import pytest

from tests.relay.harness import serving, story

FOLDER = files("ccmux.relay") / "page"
NAMES = sorted(file.name for file in FOLDER.iterdir())


def test_the_page_has_all_its_files() -> None:
    assert {"index.html", "page.css", "page.js", "connection.js", "embed.js", "idle.svg"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@story
async def test_every_file_is_served_whole_and_strictly(name: str) -> None:
    path = "/" if name == "index.html" else f"/{name}"
    async with serving() as relay:
        answer = await relay.http.get(path)
        assert answer.status_code == 200
        assert answer.content == (FOLDER / name).read_bytes()
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert ("access-control-allow-origin" in answer.headers) == (name in {"embed.js", "connection.js"})
        same = await relay.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        head = await relay.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(".svg")])
def test_nothing_is_asked_of_others_and_text_never_becomes_markup(name: str) -> None:
    text = (FOLDER / name).read_text()
    links = [link for link in re.findall(r"https?://[^\s\"')]+", text) if ".example.com" not in link]
    assert links == []
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "style=",
        "onclick=",
    ):
        assert way not in text


def test_scripts_that_other_sites_load_load_nothing_else() -> None:
    loaded = re.findall(r'from "(.*)"', (FOLDER / "embed.js").read_text())
    assert loaded == ["./connection.js"]
    assert re.findall(r'from "(.*)"', (FOLDER / "connection.js").read_text()) == []
