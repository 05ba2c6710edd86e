"""The program ccmux-relay: argv and environment to one relay, its words and its exit code."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ccmux import __version__
from ccmux.cli.lines import help_lines
from ccmux.cli.program import EXIT_DONE, exit_code
from ccmux.core.errors import RelayRefused
from ccmux.core.visitors import read_networks, read_origin
from ccmux.paths import find_live_api_key, read_secret

KEY_VARIABLE = "CC_LIVE_API_KEY"

_MAKE_ONE = "make one: ccmux-relay --help says how"

_VARIABLE = "CCMUX_RELAY_"
"""What the variables of the options begin with."""

_EPILOG = """\
key:
  Publishers show the key that stands in CC_LIVE_API_KEY, or in
  ~/.ccmux/secrets/live_api_key (0600, the directory 0700; CCMUX_SECRETS_DIR
  sets another). Without a key there is no relay. To make one:
    (umask 77; mkdir -p ~/.ccmux/secrets &&
     openssl rand -hex 32 > ~/.ccmux/secrets/live_api_key)

environment:
  CCMUX_RELAY_HOST, CCMUX_RELAY_PORT and so on stand for the options; an option
  goes before its variable.

exit codes: 0 done, 1 failed (one line says the way out), 2 usage

examples:
  ccmux-relay                      here alone; open http://127.0.0.1:8080
  ccmux-relay --proxies 127.0.0.1  behind a proxy here, which speaks TLS
  ccmux-relay --proxies 127.0.0.1 --origins https://blog.example.com
                                   embed.js works on that site
  ccmux-relay --host 0.0.0.0 --port 443 --certfile cert.pem --keyfile key.pem
"""

Value = TypeVar("Value")


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command line, without the program's name, and return its exit code."""
    return exit_code("ccmux-relay", lambda: _run(argv, environment))


def entry() -> int:
    """Run the program's own command line."""
    return main(sys.argv[1:], os.environ)


def _run(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    parser = _parser(environment)
    options = parser.parse_args(argv)
    if bool(options.certfile) != bool(options.keyfile):
        parser.error("--certfile and --keyfile go together")
    key = _key(environment)

    import asyncio

    from ccmux.drivers.logs import logging_to
    from ccmux.relay.server import Relay, Terms

    with logging_to(None, journal=environment.get("JOURNAL_STREAM", "")):
        relay = Relay(
            Terms(
                host=options.host,
                port=options.port,
                origins=options.origins,
                proxies=options.proxies,
                viewers=options.viewers,
                viewers_an_address=options.viewers_per_address,
                certificate=(options.certfile, options.keyfile) if options.certfile else None,
            ),
            key=key,
        )
        asyncio.run(relay.run())
    return EXIT_DONE


def _parser(environment: Mapping[str, str]) -> ArgumentParser:
    def add(name: str, default: str, metavar: str, says: str, **more: Any) -> None:
        variable = _VARIABLE + name.upper().replace("-", "_")
        default = environment.get(variable) or default
        parser.add_argument(f"--{name}", metavar=metavar, default=default, help=says, **more)

    parser = ArgumentParser(
        prog="ccmux-relay",
        usage="ccmux-relay [OPTION ...]",
        description=help_lines(
            "Shows the world, or only yourself, whether Claude is at work: hears what `ccmux live` tells and "
            "tells all who look, on its page at / and over the WebSocket /ws/live."
        ),
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add("host", "127.0.0.1", "HOST", "where to listen (default: 127.0.0.1; 0.0.0.0 or :: is everywhere)")
    add("port", "8080", "PORT", "TCP port (default: 8080; 0 is a free one)", type=_whole(0, 65_535))
    add("certfile", "", "FILE", "certificate chain for TLS, in PEM")
    add("keyfile", "", "FILE", "its key")
    origins = "sites whose pages may look beside its own, like https://blog.example.com; * is all"
    add("origins", "", "SITES", origins, type=_words(lambda words: frozenset(map(read_origin, words))))
    proxies = "addresses or networks of proxies whose X-Forwarded-For is believed (default: none)"
    add("proxies", "", "ADDRESSES", proxies, type=_words(read_networks))
    add("viewers", "10000", "N", "viewers at once (default: 10000)", type=_whole(1, 1_000_000))
    an_address = "of these from one address (default: 100)"
    add("viewers-per-address", "100", "N", an_address, type=_whole(1, 1_000_000))
    parser.add_argument("--version", action="version", version=f"ccmux-relay {__version__}")
    return parser


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(word: str) -> int:
        if not (word.isascii() and word.isdigit() and least <= int(word) <= most):
            raise ArgumentTypeError(f"must be a whole number from {least} to {most}, it is {word!r}")
        return int(word)

    return read


def _words(read: Callable[[list[str]], Value]) -> Callable[[str], Value]:
    """Return what reads words with commas or blanks between them."""

    def all_of(text: str) -> Value:
        try:
            return read(text.replace(",", " ").split())
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from error

    return all_of


def _key(environment: Mapping[str, str]) -> str:
    path = find_live_api_key(environment)
    where = KEY_VARIABLE
    key = environment.get(KEY_VARIABLE, "")
    if not key:
        where = str(path)
        try:
            held = read_secret(path)
        except OSError as error:
            raise RelayRefused(f"{path} cannot be read: {error.strerror}", "mend that") from error
        if held is None:
            raise RelayRefused(
                f"there is no key: {KEY_VARIABLE} is not set and there is no {path}", _MAKE_ONE
            )
        key = held.decode("ascii", "replace")
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise RelayRefused(f"what stands in {where} is no key: one word of printable ASCII is", _MAKE_ONE)
    return key
