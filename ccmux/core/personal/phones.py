"""Finds phone numbers: `phonenumbers` (Google's libphonenumber) says which digits can be dialled.

Asking it is dear, and so it is asked only about what has the shape of a number. National numbers without a
shape of their own are found only behind a word that announces one: eight digits alone are anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    PhoneNumberType,
    format_number,
    is_valid_number,
    number_type,
    parse,
)

from ccmux.core.personal.finding import Finding, Kind
from ccmux.core.personal.placeholders import is_no_number
from ccmux.core.personal.words import at_words, lowered

_GAP = r"[ ().\-/\u00a0\u2010-\u2015]"

_INTERNATIONAL = re.compile(rf"(?<![A-Za-z0-9_+])\+(?:{_GAP}{{0,2}}[0-9]){{7,16}}(?![0-9])")
_AMERICAN = re.compile(
    r"(?<![A-Za-z0-9_.,/+-])(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}"
    r"(?![A-Za-z0-9_]|[.,-][0-9])"
)
_BARE = re.compile(r"(?<![A-Za-z0-9_.,/+#=%-])[1-9][0-9]{10,12}(?![A-Za-z0-9_]|[.,-][0-9])")
"""Country and number without a sign, as messengers write them."""
_ANNOUNCING = ("phone", "fon", "tel", "mobil", "cell", "fax", "whatsapp", "handy", "sms", "電", "电", "手")
_ANNOUNCED = re.compile(
    r"(?:(?<![A-Za-z])(?:tele)?(?:phone|fon)|(?<![A-Za-z])(?:tel|mobil|mobile|cell|fax|whatsapp|handy|sms)(?![A-Za-z])"
    r"|[电電][话話]|手[机機])"
    rf"(?:[ _-]?(?:number|no|nr|nummer|num))?[^A-Za-z0-9+\n]{{1,6}}"
    rf"(\(?0?[0-9](?:{_GAP}{{0,2}}[0-9]){{6,13}})(?![A-Za-z0-9_]|[.,][0-9])",
    re.IGNORECASE,
)
_REGIONS = (
    *("US", "GB", "DE", "FR", "ES", "IT", "NL", "CH", "AT", "SE", "PL", "RU", "TR"),
    *("IN", "CN", "HK", "TW", "SG", "JP", "KR", "BR", "MX", "AU", "NZ", "ZA"),
)
"""Where an announced number may be at home: it needs to be a number in one of these."""

_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def find(text: str) -> Iterator[Finding]:
    """Return the phone numbers in a text."""
    if "+" in text:
        for shape in _INTERNATIONAL.finditer(text):
            yield from _international(text, shape)
    for shape in _AMERICAN.finditer(text):
        if _belongs_to_somebody(shape[0], "US"):
            yield Finding(Kind.PHONE, shape.start(), shape.end(), "american-phone")
    for shape in _BARE.finditer(text):
        if _is_bare_mobile(shape[0]):
            yield Finding(Kind.PHONE, shape.start(), shape.end(), "bare-phone")
    for shape in at_words(_ANNOUNCED, _ANNOUNCING, text, lowered(text)):
        if any(_belongs_to_somebody(shape[1], region) for region in _REGIONS):
            yield Finding(Kind.PHONE, shape.start(1), shape.end(1), "announced-phone")


def _international(text: str, shape: re.Match[str]) -> Iterator[Finding]:
    """Find the number in its shape, which may have swallowed the next word's digits."""
    for match in PhoneNumberMatcher(text[shape.start() : shape.end()], None):
        if not is_no_number(_dialled(match.number)):
            start = shape.start() + match.start
            yield Finding(Kind.PHONE, start, start + len(match.raw_string), "international-phone")


def _is_bare_mobile(digits: str) -> bool:
    """Whether these are a mobile's, with a country in front; or a Chinese one's, which is as long without."""
    number = _parsed("+" + digits, None)
    if number is not None and number_type(number) in _MOBILE:
        return not is_no_number(_dialled(number))
    return len(digits) == 11 and _belongs_to_somebody(digits, "CN")


def _belongs_to_somebody(digits: str, region: str) -> bool:
    number = _parsed(digits, region)
    return number is not None and is_valid_number(number) and not is_no_number(_dialled(number))


def _parsed(digits: str, region: str | None) -> PhoneNumber | None:
    try:
        return parse(digits, region)
    except NumberParseException:
        return None


def _dialled(number: PhoneNumber) -> str:
    return format_number(number, PhoneNumberFormat.E164)
