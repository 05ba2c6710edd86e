"""A file's bytes become text that can be looked through, whatever they are."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.privacy.reading import read

TEXTS = {
    "nothing": (b"", ["" ]),
    "UTF-8": ("ü\r\nx".encode(), ["ü\r\nx"]),
    "UTF-8 with a mark": (codecs.BOM_UTF8 + b"x", ["x"]),
    "UTF-16, both ends": ("ü\nx".encode("utf-16"), ["ü\nx"]),
    "UTF-16 BE with a mark": (codecs.BOM_UTF16_BE + "ü\nx".encode("utf-16-be"), ["ü\nx"]),
    "UTF-32": ("ü\nx".encode("utf-32"), ["ü\nx"]),
    "UTF-32 BE": (codecs.BOM_UTF32_BE + "ü".encode("utf-32-be"), ["ü"]),
    "UTF-16 without a mark": ("plain text\n".encode("utf-16-le"), ["plain text\n"]),
    "UTF-16 BE without a mark": ("plain text\n".encode("utf-16-be"), ["plain text\n"]),
    "UTF-16, cut": ("plain text\n".encode("utf-16-le")[:-1], ["plain text\ufffd"]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "texts"), TEXTS.values(), ids=TEXTS.keys())
def test_text(content: bytes, texts: list[str]) -> None:
    assert (read(content).texts, read(content).is_binary) == (texts, False)


@pytest.mark.parametrize("encoding", ["latin-1", "gb18030", "big5"])
def test_text_of_eight_bits_is_read_in_every_way_it_may_be_meant(encoding: str) -> None:
    text = "Grüße" if encoding == "latin-1" else "電話"
    assert text in read(text.encode(encoding)).texts


def test_of_a_binary_file_what_can_be_read_is_kept_a_run_a_line() -> None:
    content = (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR short\x01of one byte\xff"
        + "of two".encode("utf-16-le")
        + b"\xff\xfe\xfd"
    )
    reading = read(content)
    assert reading.is_binary
    assert reading.texts == ["IHDR short\nof one byte\nof two"]


@given(st.binary())
def test_it_never_fails(content: bytes) -> None:
    assert read(content).texts


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_what_is_utf_8_is_read_as_it_is(text: str) -> None:
    assert read(text.encode()).texts == [text]
