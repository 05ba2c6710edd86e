"""Finds what opens doors: tokens by their makers' form, private keys, passwords behind a word that names one.

Forms of tokens come from `detect-secrets`, as far as they are exact; its regexes are used, nothing that reads
files or asks a network. Ours add what it lacks. A regex runs only over a text that has something of its form.
"""

from __future__ import annotations

import importlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain

from ccmux.core.personal.finding import Finding, Kind
from ccmux.core.personal.placeholders import is_no_password, is_no_token
from ccmux.core.personal.words import at_words, lowered

_DETECTORS: Sequence[tuple[str, str, str]] = (
    ("aws", "AWSKeyDetector", r"(?:A3T|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]|(?i:aws)"),
    ("azure_storage_key", "AzureStorageKeyDetector", "AccountKey="),
    ("basic_auth", "BasicAuthDetector", r"://[^/\s:]+:[^/\s]+@"),
    ("discord", "DiscordBotTokenDetector", r"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}"),
    ("github_token", "GitHubTokenDetector", "gh[pousr]_"),
    ("gitlab_token", "GitLabTokenDetector", "gl[a-z]{2,5}-|GR1348941"),
    ("mailchimp", "MailchimpDetector", "[0-9a-z]-us[0-9]"),
    ("openai", "OpenAIDetector", "T3BlbkFJ"),
    ("pypi_token", "PypiTokenDetector", "pypi-A"),
    ("sendgrid", "SendGridDetector", r"SG\."),
    ("slack", "SlackDetector", r"xox[a-z]-|hooks\.slack"),
    ("square_oauth", "SquareOAuthDetector", "sq0csp-"),
    ("stripe", "StripeDetector", "[rs]k_live_"),
    ("telegram_token", "TelegramBotTokenDetector", r"[0-9]:[0-9A-Za-z_-]{35}"),
    ("twilio", "TwilioKeyDetector", "(?:AC|SK)[a-z0-9]{32}"),
)
"""Module, class, and what a text must have for a look. Left out: its guesses (entropy, keywords, addresses),
makers whose tokens have no form but a word beside them (Artifactory, Cloudant, IBM, SoftLayer), and npm's: it
takes quadratic time on a long line."""

_HINTS = tuple((module, name, re.compile(hint)) for module, name, hint in _DETECTORS)

_FORMS = tuple(
    (rule, start, re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(start)}{rest}(?![A-Za-z0-9])"))
    for rule, start, rest in (
        ("anthropic-key", "sk-ant-", r"[A-Za-z0-9_-]{16,}"),
        ("openai-key", "sk-", r"(?!ant-)(?:[a-z]{2,10}-)?[A-Za-z0-9_-]{20,}"),
        ("github-token", "github_pat_", r"[A-Za-z0-9_]{22,}"),
        ("google-key", "AIza", r"[0-9A-Za-z_-]{35}"),
        ("google-token", "ya29.", r"[0-9A-Za-z_-]{20,}"),
        ("google-secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}"),
        ("hugging-face-token", "hf_", r"[A-Za-z0-9]{30,}"),
        ("npm-token", "npm_", r"[A-Za-z0-9]{36}"),
        ("npm-token", "_authToken=", r"[A-Fa-f0-9-]{36}"),
        ("groq-key", "gsk_", r"[A-Za-z0-9]{40,}"),
        ("xai-key", "xai-", r"[A-Za-z0-9]{40,}"),
        ("slack-token", "xapp-", r"[0-9]-[A-Za-z0-9-]{20,}"),
        ("digitalocean-token", "dop_v1_", r"[a-f0-9]{64}"),
        ("docker-token", "dckr_pat_", r"[A-Za-z0-9_-]{20,}"),
        ("tailscale-key", "tskey-", r"[a-z]+-[A-Za-z0-9-]{16,}"),
        ("json-web-token", "eyJ", r"[A-Za-z0-9_=-]{8,}\.[A-Za-z0-9_=-]{8,}(?:\.[A-Za-z0-9_.+/=-]*)?"),
        ("age-key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}"),
    )
)

_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:.{0,20000}?-----END [A-Z0-9 ]{0,40}-----)?"
    r"|PuTTY-User-Key-File-[0-9]",
    re.DOTALL,
)

_BEARER = re.compile(
    r"(?<![A-Za-z])(?:Bearer|Basic|Authorization:) +([A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE
)

_PASSWORD_WORDS = ("pass", "contrase", "pwd", "密码", "密碼")
_TOKEN_WORDS = (
    *("secret", "token", "api", "access", "auth", "account", "client", "encryption", "master"),
    *("private", "service", "signing"),
)
_PHRASE = r"(?:pass(?:word|wort|wd|phrase)|contrase(?:n|ñ)a|pwd)"
_HANDLE = (
    r"(?:secret|token|api[_-]?key"
    r"|(?:access|auth|account|client|encryption|master|private|service|signing)[_-]?key)"
)
_NAMED = re.compile(
    rf"(?:(?P<password>{_PHRASE})|(?P<token>{_HANDLE}))[A-Za-z0-9_-]{{0,40}}['\"\]]{{0,2}}"
    r"(?:[ \t]*:[ \t]*[A-Za-z_.|\[\] ]{1,30}(?==))?"  # a type
    r"[ \t]*(?P<sign>:=|=>|={1,3}|:|：|,(?=[ \t]*['\"]))[ \t]*[rbuf@]{0,2}"
    r"(?P<quote>['\"`])(?P<value>(?:(?!(?P=quote))[^\\\n]|\\[^\n]){4,300})(?P=quote)",
    re.IGNORECASE,
)
_ENV = re.compile(
    r"(?:(?P<password>PASSWORD|PASSWD|PASSPHRASE|PASS|PWD)|(?P<token>SECRET|TOKEN|KEY))"
    r"[A-Z0-9_]{0,40}=(?P<value>[^\s'\"`(){}<>|;,，。）]{6,300})(?![(\[])"
)
_SAID = re.compile(
    rf"(?:(?<![A-Za-z]){_PHRASE}|密[码碼])(?:[ \t]*[:=：][ \t]*|[ \t]+(?:is|ist|lautet)[ \t]+|是)"
    r"(?P<value>[^\s'\"`(){}\[\]<>|;,，。）]{6,100})",
    re.IGNORECASE,
)
_APP_PASSWORD = re.compile(
    r"pass(?:word|wd)?['\"]?[ \t]*[=:][ \t]*['\"]?([a-z]{4}(?: [a-z]{4}){3})(?![a-z])", re.IGNORECASE
)

_TOKEN_CHARS = 12
_TOKEN_BITS = 3.0
"""Shannon entropy a character: names of tokens (`session_token`) are shorter or plainer than tokens."""


def find(text: str) -> Iterator[Finding]:
    """Return the keys and passwords in a text."""
    yield from _formed(text)
    yield from _announced(text, lowered(text))


def _formed(text: str) -> Iterator[Finding]:
    for key in _PRIVATE_KEY.finditer(text):
        yield _finding(key, 0, "private-key")
    for module, name, hint in _HINTS:
        if hint.search(text):
            yield from _detected(module, name, text)
    for rule, start, form in _FORMS:
        if start in text:
            yield from (_finding(one, 0, rule) for one in form.finditer(text) if not is_no_token(one[0]))


def _announced(text: str, low: str) -> Iterator[Finding]:
    for bearer in at_words(_BEARER, ("bearer", "basic", "authorization"), text, low):
        if _is_token(bearer[1]):
            yield _finding(bearer, 1, "authorization")
    named_ones = at_words(_NAMED, _PASSWORD_WORDS + _TOKEN_WORDS, text, low)
    for named in chain(named_ones, at_words(_ENV, ("PASS", "PWD", "SECRET", "TOKEN", "KEY"), text, text)):
        if _is_secret(named):
            yield _finding(named, "value", "password" if named["password"] else "token")
    for said in at_words(_SAID, _PASSWORD_WORDS, text, low):
        value = said["value"].rstrip(".:!?")
        if _is_mixed(value) and not is_no_password(value):
            yield Finding(Kind.KEY, said.start("value"), said.start("value") + len(value), "password")
    for app in at_words(_APP_PASSWORD, ("pass",), text, low):
        if not is_no_password(app[1]):
            yield _finding(app, 1, "app-password")


def _finding(match: re.Match[str], group: int | str, rule: str) -> Finding:
    return Finding(Kind.KEY, match.start(group), match.end(group), rule)


def _detected(module: str, name: str, text: str) -> Iterator[Finding]:
    rule, patterns = _detector(module, name)
    for pattern in patterns:
        for match in pattern.finditer(text):
            group = next((number for number, value in enumerate(match.groups(), 1) if value), 0)
            group = group if module in {"aws", "basic_auth"} else 0
            start, end = match.span(group)
            is_part = _is_latin(text[start - 1 : start]) or _is_latin(text[end : end + 1])
            value = match[group]
            if not is_part and not (is_no_password(value) if module == "basic_auth" else is_no_token(value)):
                yield Finding(Kind.KEY, start, end, rule)


@cache
def _detector(module: str, name: str) -> tuple[str, Sequence[re.Pattern[str]]]:
    """Load one of detect-secrets: with the first a fifth of a second goes, so only when one is needed."""
    detector = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)
    return module.replace("_", "-"), tuple(detector.denylist)


def _is_secret(named: re.Match[str]) -> bool:
    value = named["value"]
    if named["token"]:
        return _is_token(value)
    if any(char.isspace() for char in value) or len(value) < 6 or is_no_password(value):
        return False
    return _is_mixed(value) or (
        value.isalpha() and value.islower() and named.groupdict().get("sign", "=") == "="
    )


def _is_token(value: str) -> bool:
    return (
        len(value) >= _TOKEN_CHARS
        and value.isascii()
        and _is_mixed(value)
        and re.fullmatch(r"[A-Za-z0-9._~+/=:-]+", value) is not None
        and "://" not in value
        and not value.startswith(("/", "./", "~/"))
        and _bits(value) >= _TOKEN_BITS
        and not is_no_password(value)
        and not is_no_token(value)
    )


def _is_latin(char: str) -> bool:
    """Whether a token would go on with it; Chinese goes on without a blank."""
    return char.isascii() and char.isalnum()


def _is_mixed(value: str) -> bool:
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)


def _bits(value: str) -> float:
    """Return the entropy of a character, in bits."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
