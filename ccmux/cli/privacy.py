"""Look for what is personal or secret in what is about to be committed, or in all of a repository.

Contents, names of files, messages and authors are searched for phone numbers, mail addresses, WhatsApp's,
keys and passwords, home folders, hosts of private networks, and for what your own blocklist names. What is
nobody's is allowed, with a reason, in privacy-allow.toml.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccmux.cli.lines import help_lines
from ccmux.cli.program import EXIT_DONE, EXIT_FAILED, exit_code

if TYPE_CHECKING:
    from ccmux.core.privacy.review import Verdict
    from ccmux.core.privacy.scan import Found
    from ccmux.drivers.git import Repository
    from ccmux.place import Place
    from ccmux.upkeep.privacy import Looked, Looking

PROGRAM = "privacy_check.py"

_EXAMPLES = """\
examples:
  scripts/privacy_check.py                   what is staged
  scripts/privacy_check.py --all             all that is in the index
  scripts/privacy_check.py --range main..    what each commit since main
                                             brought; --range HEAD: all history
  scripts/privacy_check.py --generate-token  three reviews of what is staged,
                                             then a commit may pass
  git config core.hooksPath hooks            lets git ask at every commit

exit codes: 0 clean, 1 something was found, or it does not pass, 2 usage
"""


def main(argv: Sequence[str], *, command: str = "scripts/privacy_check.py") -> int:
    """Run the check, without the program's name, and return its exit code; `command`: how it is called."""
    return exit_code(PROGRAM, lambda: _run(argv, command))


def _run(argv: Sequence[str], command: str) -> int:
    arguments = _parser().parse_args(argv)

    from ccmux.cli.place import enter, find_place
    from ccmux.drivers.git import Repository
    from ccmux.upkeep.privacy import Looking

    # Not CCMUX_CONFIG: a Claude that ccmux hosts has it, and may commit in another project.
    config = enter(Namespace(folder=arguments.folder or ".", config=arguments.config))
    message = Path(arguments.message).absolute() if arguments.message else None
    repository = Repository(os.environ)
    named = str(config) if arguments.config is not None else None
    place = find_place(Namespace(folder=str(repository.top()), config=named))
    looking = Looking(repository, place.paths.privacy_blocklist)
    if message is not None:
        looked = looking.message(message)
    elif arguments.range:
        looked = looking.history(arguments.range)
    else:
        looked = looking.everything() if arguments.all else looking.staged()
    if arguments.review:
        from ccmux.cli.say import printable

        sys.stdout.write(printable(looking.review_text(looked).decode(errors="replace"), keep="\n\t"))
        return EXIT_DONE
    _tell(looked, as_json=arguments.json)
    if looked.found:
        return EXIT_FAILED
    if arguments.generate_token:
        return _have_reviewed(looking, looked, repository, place)
    return _let_pass(looked, repository, place, command) if arguments.commit else EXIT_DONE


def _let_pass(looked: Looked, repository: Repository, place: Place, command: str) -> int:
    """Say whether a commit of what is staged may pass."""
    from ccmux.upkeep.review import why_blocked

    if not place.settings.privacy.require_token:
        _say(
            "[privacy] require_token = false: looked for by form and blocklist alone, nobody has reviewed it"
        )
        return EXIT_DONE
    reason = why_blocked(repository, looked)
    if reason:
        _say(f"blocked: {reason}; run {command} --generate-token, then commit again")
    return EXIT_FAILED if reason else EXIT_DONE


def _have_reviewed(looking: Looking, looked: Looked, repository: Repository, place: Place) -> int:
    """Ask the three reviewers, tell what they say, and write the token if all pass."""
    from ccmux.upkeep.review import keep_token, review

    diff = looking.review_text(looked)
    if not diff:
        _say("nothing is staged that could be reviewed; git add it first")
        return EXIT_FAILED
    _say(f"three reviews of {len(diff)} bytes, at most {place.settings.privacy.review_limit_s:g} s each")
    verdicts = review(diff, place.settings, environment=os.environ, heard=_say_verdict)
    if not all(verdict.passed for verdict in verdicts.values()):
        _say("no token: all three must pass")
        return EXIT_FAILED
    keep_token(repository, looked, verdicts)
    _say("the token is written: exactly this may be committed, once")
    return EXIT_DONE


def _say_verdict(part: str, verdict: Verdict) -> None:
    _say(f"{part}: {'pass' if verdict.passed else 'FAIL'}")
    for reason in verdict.reasons:
        _say(f"  {reason}")


def _say(line: str) -> None:
    from ccmux.cli.say import printable

    sys.stderr.write(f"{PROGRAM}: {printable(line)}\n")


def _tell(looked: Looked, *, as_json: bool) -> None:
    from ccmux.cli.say import as_json as json_line
    from ccmux.cli.say import printable
    from ccmux.core.privacy.allowlist import FILE_NAME

    if as_json:
        print(json_line(_as_object(looked)))
        return
    for note in looked.notes:
        _say(note)
    if not looked.found:
        _say(f"nothing personal found: {looked.at}")
        return
    print("\n".join(printable(line) for line in _table(looked.found)), flush=True)
    _say(
        f"{len(looked.found)} found: {looked.at}; take it out, or, if it is nobody's, allow it in {FILE_NAME}"
    )


def _table(found: Sequence[Found]) -> list[str]:
    from ccmux.core.privacy.scan import shown

    rows = [(_place(one), one.kind, one.rule, shown(one)) for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        f"{place:{widths[0]}}  {kind:{widths[1]}}  {rule:{widths[2]}}  {text}"
        for place, kind, rule, text in rows
    ]


def _place(one: Found) -> str:
    place = f"{one.where}:{one.line}:{one.column}" if one.line else one.where
    return f"{one.commit[:10]}:{place}" if one.commit else place


def _as_object(looked: Looked) -> dict[str, Any]:
    from ccmux.core.privacy.scan import shown

    return {
        "clean": not looked.found,
        "looked_at": looked.at,
        "findings": [
            {
                "where": one.where,
                "commit": one.commit,
                "line": one.line,
                "column": one.column,
                "length": len(one.text),
                "kind": one.kind,
                "rule": one.rule,
                "text": shown(one),
            }
            for one in looked.found
        ],
        "notes": list(looked.notes),
    }


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [-C DIR] [--config FILE] [--json] [WHAT]",
        description=help_lines(__doc__),
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-C", dest="folder", metavar="DIR", help="go to this folder first")
    parser.add_argument(
        "--config", metavar="FILE", help="settings file (default: ccmux.toml of the repository)"
    )
    looked_at = parser.add_argument_group("WHAT (default: what is staged)")
    what = looked_at.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="all that is in the index, not only what it changes")
    what.add_argument("--range", metavar="A..B", default="", help="what each commit of a range brought")
    what.add_argument(
        "--message", metavar="FILE", default="", help="a commit's message; for hooks/commit-msg"
    )
    what.add_argument("--review", action="store_true", help="print the staged diff that reviewers are shown")
    what.add_argument(
        "--generate-token", action="store_true", help="have what is staged reviewed; then it may be committed"
    )
    what.add_argument(
        "--commit",
        action="store_true",
        help="whether what is staged may be committed; for hooks/pre-commit",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser
