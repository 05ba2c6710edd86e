"""What is staged, committed or long gone in a real repository is looked through, whatever shape it has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccmux.cli.lines import COLUMNS
from ccmux.upkeep import privacy
from tests.corpus.personal import INNOCENT, PLANTED
from tests.privacy.repository import HOME, KEY, MAIL, Check, Repository


def test_every_planted_secret_is_found_where_it_stands(repository: Repository, check: Check) -> None:
    planted = {
        f"{kind}/{number}": (kind, text)
        for kind, texts in PLANTED.items()
        for number, text in enumerate(texts.values())
    }
    repository.stage({path: f"first\n  {text}\nlast\n" for path, (_, text) in planted.items()})
    found = {(one["where"], one["kind"]) for one in check.findings()}
    assert found == {(path, kind) for path, (kind, _) in planted.items()}


def test_no_look_alike_is_found(repository: Repository, check: Check) -> None:
    repository.stage({str(number): text for number, text in enumerate(INNOCENT.values())})
    assert check.findings() == []


def test_a_finding_is_told_with_its_place_rule_and_text_but_a_key_with_its_beginning_only(
    repository: Repository, check: Check
) -> None:
    repository.stage({"a/b.txt": f"x\r\n\tmail {MAIL}, {KEY}\n"})
    code, out, err = check()
    assert code == 1
    assert [line.split() for line in out.splitlines()] == [
        ["a/b.txt:2:7", "email", "email", MAIL],
        ["a/b.txt:2:31", "key", "github-token", "ghp_…", "(40", "characters)"],
    ]
    assert "2 found: 1 file staged; take it out, or, if it is nobody's, allow it in privacy-allow.toml" in err
    assert KEY not in check("--json")[1]
    assert check.findings()[1] == {
        "where": "a/b.txt",
        "commit": "",
        "line": 2,
        "column": 31,
        "length": 40,
        "kind": "key",
        "rule": "github-token",
        "text": "ghp_… (40 characters)",
    }


def test_a_clean_one_says_what_was_looked_at(repository: Repository, check: Check) -> None:
    repository.stage({"a": "hello"})
    assert check() == (
        0,
        "",
        (
            f"privacy_check.py: there is no blocklist: names are not looked for; {repository.secrets}"
            "/privacy_blocklist.txt may hold them\nprivacy_check.py: nothing personal found: 1 file staged\n"
        ),
    )


def test_its_help_fits_a_terminal(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    code, out, _ = check("--help")
    assert (code, max(map(len, out.splitlines())) <= COLUMNS) == (0, True)


def test_only_what_is_staged_is_looked_at_and_all_of_it_with_all(
    repository: Repository, check: Check
) -> None:
    repository.commit({"old": MAIL})
    repository.stage({"staged": "hello"})
    repository.write("staged", MAIL)
    repository.write("untracked", MAIL)
    assert check.places() == []
    assert check.places("--all") == ["old:1 email"]


def test_from_a_folder_below_all_of_the_repository_is_seen(repository: Repository, check: Check) -> None:
    repository.stage({"a": MAIL, "below/b": "hello"})
    assert check("--json", cwd=repository.folder / "below")[0] == 1
    assert check("-C", str(repository.folder / "below"), cwd=Path("/"))[0] == 1
    repository.write("ccmux.toml", "[privacy]\nrequire_token = 1\n")
    assert "require_token" in check(cwd=repository.folder / "below")[2]


def test_the_settings_are_those_of_the_repository_or_named_ones(
    repository: Repository, check: Check, tmp_path: Path
) -> None:
    other = repository.write("other/ccmux.toml", "[privacy]\nrequire_token = 1\n")
    repository.environment |= {"CCMUX_CONFIG": str(other)}  # as a Claude has it that ccmux hosts elsewhere
    assert check()[0] == 0
    assert "require_token" in check("--config", "other/ccmux.toml")[2]
    assert "require_token" in check("-C", "other", "--config", "ccmux.toml")[2]


def test_what_is_not_there_is_told(repository: Repository, check: Check) -> None:
    assert "nowhere: cannot go there" in check("-C", "nowhere")[2]
    assert "no such file" in check("--config", "nowhere")[2]
    code, _, err = check("--message", "nowhere")
    assert (code, err.split(": ", 1)[1]) == (
        1,
        f"message {repository.folder}/nowhere: No such file or directory\n",
    )


def test_outside_of_a_repository_it_says_so(repository: Repository, check: Check, tmp_path: Path) -> None:
    code, _, err = check(cwd=tmp_path)
    assert code == 1
    assert "not a git repository" in err


LONG = "".join(f"line {number}\n" for number in range(200))


def test_a_file_that_is_renamed_and_edited_is_looked_through(repository: Repository, check: Check) -> None:
    repository.commit({"old": LONG})
    (repository.folder / "old").unlink()
    repository.stage({"new": LONG + MAIL})
    assert check.places() == ["new:201 email"]


def test_a_file_that_is_renamed_or_copied_as_it_is_is_looked_through(
    repository: Repository, check: Check
) -> None:
    repository.commit({"old": LONG + MAIL, "kept": LONG + HOME})
    (repository.folder / "old").rename(repository.folder / "new")
    repository.stage({"copy": LONG + HOME})
    assert check.places() == ["copy:201 path", "new:201 email"]


def test_a_file_that_becomes_a_link_is_looked_through(repository: Repository, check: Check) -> None:
    repository.commit({"a": "hello"})
    (repository.folder / "a").unlink()
    (repository.folder / "a").symlink_to(f"{HOME}/a")
    repository.git("add", "--all")
    assert check.places() == ["a:1 path"]


def test_what_is_taken_out_passes(repository: Repository, check: Check) -> None:
    repository.commit({"a": MAIL})
    repository.git("rm", "--quiet", "a")
    assert check.places() == []


def test_a_change_of_the_mode_alone_is_looked_through(repository: Repository, check: Check) -> None:
    repository.commit({"a": MAIL})
    repository.git("update-index", "--chmod=+x", "a")
    assert check.places() == ["a:1 email"]


@pytest.mark.parametrize(
    "name", [f"{MAIL}.txt", f"über/{MAIL}", f"in\nlines {MAIL}", f"tab\t{MAIL}", f"bytes-\udcff {MAIL}"]
)
def test_the_names_of_files_are_looked_through(repository: Repository, check: Check, name: str) -> None:
    repository.stage({name: "hello"})
    assert [(one["kind"], one["line"]) for one in check.findings()] == [("email", 0)]
    assert check()[0] == 1


@pytest.mark.parametrize("name", ["ü.txt", "in\nlines", "bytes-\udcff", '"quoted"', "-n", "a b", "😀"])
def test_files_of_any_name_are_looked_through(repository: Repository, check: Check, name: str) -> None:
    repository.stage({name: MAIL})
    assert [(one["kind"], one["line"]) for one in check.findings()] == [("email", 1)]


ENCODED = {
    "UTF-8 with a mark": f"x\n{MAIL}".encode("utf-8-sig"),
    "UTF-16": f"x\n{MAIL}".encode("utf-16"),
    "UTF-16 without a mark": f"x\nmail: {MAIL} and more".encode("utf-16-le"),
    "UTF-16, big end first": f"x\nmail: {MAIL} and more".encode("utf-16-be"),
    "UTF-32": f"x\n{MAIL}".encode("utf-32"),
    "latin-1": f"x\n{MAIL}".encode("latin-1"),
    "GB 18030": f"x\n电话 {MAIL}".encode("gb18030"),
    "CRLF": f"x\r\n{MAIL}\r\n".encode(),
}


@pytest.mark.parametrize("content", ENCODED.values(), ids=ENCODED.keys())
def test_text_is_read_whatever_its_encoding(repository: Repository, check: Check, content: bytes) -> None:
    repository.stage({"a": content})
    assert check.places() == ["a:2 email"]


def test_binary_files_are_looked_through_whatever_their_name(repository: Repository, check: Check) -> None:
    noise = bytes(range(256)) * 8
    repository.stage(
        {
            "a.png": noise + MAIL.encode() + noise,
            "b.svg": f"<svg>{MAIL}</svg>",
            "wide": noise + f"{HOME}/x".encode("utf-16-le") + noise,
            "noise": noise,
        }
    )
    assert check.places() == ["a.png:0 email", "b.svg:1 email", "wide:0 path"]


def test_a_submodule_is_looked_at_by_its_name_and_address(repository: Repository, check: Check) -> None:
    oid = repository.commit({"a": "hello"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{oid},lib-{MAIL}")
    repository.stage({".gitmodules": f'[submodule "lib"]\n\turl = {HOME}/lib\n'})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{oid},lib-{MAIL}")
    assert check.places() == [".gitmodules:2 path", f"lib-{MAIL}:0 email"]


def test_a_large_change_is_looked_through_to_its_end(repository: Repository, check: Check) -> None:
    repository.stage({f"{number}": f"{number}\n" * 30_000 for number in range(10)} | {"a": LONG * 100 + MAIL})
    assert check.places() == ["a:20001 email"]


def test_what_is_too_large_does_not_pass_unless_it_is_allowed(
    repository: Repository, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "LARGEST_BYTES", 1000)
    repository.stage({"large": MAIL + "x" * 1000})
    assert check.places() == ["large:0 too-large"]
    repository.stage({"privacy-allow.toml": allow("large", "large")})
    assert check.places() == []
    assert check("--review")[1].count("diff --git") == 1


def test_before_the_first_commit_and_with_nothing_staged_it_passes(
    repository: Repository, check: Check
) -> None:
    assert check()[0] == 0
    assert check("--all")[0] == 0


def test_who_would_be_the_author_is_looked_at(repository: Repository, check: Check) -> None:
    repository.stage({"a": "hello"})
    repository.environment |= {"GIT_AUTHOR_EMAIL": MAIL}
    assert check.places() == ["author:0 email"]


def test_nobodys_settings_change_what_is_seen(repository: Repository, check: Check) -> None:
    repository.commit({"old": LONG, "sub/.gitattributes": "* -text -diff\n"})
    for name, value in {
        "diff.external": "false",
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "diff.ignoreSubmodules": "all",
        "color.ui": "always",
        "core.quotePath": "true",
        "core.abbrev": "4",
        "log.showSignature": "true",
        "i18n.logOutputEncoding": "latin-1",
    }.items():
        repository.git("config", name, value)
    (repository.folder / "old").rename(repository.folder / "sub/ü")
    repository.stage({"sub/ü": LONG + MAIL})
    assert check.places() == ["sub/ü:201 email"]
    assert 'b/sub/"' not in check("--review")[1]
    assert f"+{MAIL}" in check("--review")[1]
    repository.commit({}, message=f"Von {MAIL}")
    assert check.places("--range", "HEAD") == ["sub/ü:201 email", "message:1 email"]


# ------------------------------------------------------------------------------------------- the blocklist


def test_what_the_blocklist_names_is_found_and_its_absence_is_told(
    repository: Repository, check: Check
) -> None:
    repository.stage({"notes/Max_Muster.txt": "Bei MUSTER, Max.\nHier ist max muster zuhause.\n"})
    assert "there is no blocklist" in check()[2]
    blocklist = repository.secrets / "privacy_blocklist.txt"
    blocklist.write_text("# friends\nMax Muster\n")
    blocklist.chmod(0o600)
    assert check.places() == ["notes/Max_Muster.txt:0 blocklist", "notes/Max_Muster.txt:2 blocklist"]
    assert "there is no blocklist" not in check()[2]


def test_a_blocklist_that_others_can_read_or_that_is_too_large_is_refused(
    repository: Repository, check: Check
) -> None:
    blocklist = repository.secrets / "privacy_blocklist.txt"
    blocklist.write_text("x\n")
    blocklist.chmod(0o644)
    assert "others can read or change it" in check()[2]
    blocklist.chmod(0o600)
    os.truncate(blocklist, 5_000_000)
    code, _, err = check()
    assert code == 1
    assert "too large for a blocklist" in err


# ------------------------------------------------------------------------------------------- the allowlist


def allow(text: str, *where: str) -> str:
    return f'[[allow]]\ntext = "{text}"\nwhere = {list(where)}\nreason = "a test"\n'


def test_an_allowed_text_passes_in_its_place_alone_and_hides_nothing_beside_it(
    repository: Repository, check: Check
) -> None:
    line = f"{MAIL} {HOME} x{MAIL}"
    repository.stage({"a": line, "b": line, "privacy-allow.toml": allow(MAIL, "a")})
    assert check.places() == ["a:1 path", "a:1 email", "b:1 email", "b:1 path", "b:1 email"]


def test_the_allowlist_of_what_is_staged_counts(repository: Repository, check: Check) -> None:
    repository.stage({"a": MAIL})
    repository.write("privacy-allow.toml", allow(MAIL, "*"))
    assert check.places() == ["a:1 email"]
    repository.git("add", "--all")
    assert check.places() == []


def test_a_wrong_allowlist_is_told_with_all_that_is_wrong(repository: Repository, check: Check) -> None:
    repository.stage({"privacy-allow.toml": '[[allow]]\ntext = "x"\n[[allow]]\ntext = 1\n'})
    code, _, err = check()
    assert code == 1
    assert "privacy-allow.toml has 2 problems" in err


def test_what_is_allowed_and_nowhere_is_told(repository: Repository, check: Check) -> None:
    repository.stage({"privacy-allow.toml": allow("gone", "a") + allow("said", "message")})
    code, _, err = check("--all")
    assert (code, err.count("take it out")) == (0, 1)
    assert "allows 'gone', which is nowhere it may be" in err


# ----------------------------------------------------------------------------------------------- history


def test_what_a_commit_brought_is_found_though_another_took_it_out(
    repository: Repository, check: Check
) -> None:
    repository.commit({"a": HOME})
    start = repository.commit({"b": "hello"})
    guilty = repository.commit({"b": MAIL})
    repository.commit({"b": "hello"})
    found = check.findings("--range", f"{start}..HEAD")
    assert [(one["where"], one["kind"], one["commit"]) for one in found] == [("b", "email", guilty)]
    assert f"{guilty[:10]}:b:1:1" in check("--range", f"{start}..")[1]
    assert check.places("--range", "HEAD") == ["b:1 email", "a:1 path"]
    assert check.places("--range", "HEAD~1..HEAD") == []
    assert check.places("--range", "HEAD..HEAD") == []


def test_messages_and_people_of_commits_are_looked_at(repository: Repository, check: Check) -> None:
    start = repository.commit({"a": "hello"})
    repository.environment |= {
        "GIT_AUTHOR_EMAIL": MAIL,
        "GIT_COMMITTER_NAME": PLANTED["phone"]["compact"],
    }
    repository.commit({}, message=f"Subject\n\nSee {HOME}\n\nSigned-off-by: A U Thor <{MAIL}>\n")
    assert check.places("--range", f"{start}..") == ["author:0 email", "author:0 phone", "message:3 path"]


def test_the_allowlist_of_the_end_of_a_range_counts(repository: Repository, check: Check) -> None:
    repository.commit({"a": MAIL})
    repository.commit({"privacy-allow.toml": allow(MAIL, "a")})
    assert check.places("--range", "HEAD~1") == ["a:1 email"]
    assert check.places("--range", "HEAD") == []


def test_what_git_says_of_signatures_is_no_part_of_a_commit(repository: Repository, check: Check) -> None:
    gpg = repository.write(
        "../gpg", f"#!/bin/sh\necho 'Good signature from {MAIL}'; echo '[GNUPG:] GOODSIG' >&2\n"
    )
    gpg.chmod(0o755)
    repository.commit({"a": "hello"})
    head, _, message = repository.git("cat-file", "commit", "HEAD").partition("\n\n")
    signed = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\n{message}"
    oid = repository.git("hash-object", "-t", "commit", "-w", "--stdin", given=signed).strip()
    repository.git("config", "gpg.program", str(gpg.resolve()))
    repository.git("config", "log.showSignature", "true")
    assert check.places("--range", oid) == []


def test_what_only_a_merge_brought_is_found(repository: Repository, check: Check) -> None:
    start = repository.commit({"a": "hello"})
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit({"b": "hello"})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"c": "hello"})
    repository.git("merge", "--quiet", "--no-commit", "side")
    repository.commit({"a": MAIL}, message="Merge")
    assert check.places("--range", f"{start}..") == ["a:1 email"]


def test_where_the_beginning_is_not_here_all_history_is_looked_through(
    repository: Repository, check: Check, tmp_path: Path
) -> None:
    repository.commit({"a": MAIL})
    start = repository.commit({"a": "hello"})
    repository.commit({"b": HOME})
    shallow = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(shallow))
    code, out, err = check("--range", f"{start}..HEAD", "-C", str(shallow))
    assert (code, out.split()[0].partition(":")[2]) == (1, "b:1:1")
    assert f"{start} is not here: all that is here of HEAD is looked through" in err
    assert check("--range", "HEAD", "-C", str(shallow))[0] == 1


def test_a_range_without_an_end_here_is_refused(repository: Repository, check: Check) -> None:
    repository.commit({"a": "hello"})
    for revisions in ("nowhere", "HEAD..nowhere", "--all", "--output=x"):
        code, out, err = check(f"--range={revisions}")
        assert (code, out) == (1, ""), revisions
        assert "there is no such commit here" in err
    assert not (repository.folder / "x").exists()


# ---------------------------------------------------------------------------------------------- a message


def test_a_message_is_looked_at_down_to_the_scissors(repository: Repository, check: Check) -> None:
    file = repository.write(
        "message",
        f"Subject\n# {HOME}\nSigned-off-by: A <author@example.com>\n"
        f"# ------------------------ >8 ------------------------\n{MAIL}\n",
    )
    code, out, _ = check("--message", str(file))
    assert (code, [line.split()[0] for line in out.splitlines()]) == (1, ["message:2:3"])


def test_who_signs_with_an_address_that_is_allowed_as_author_may(
    repository: Repository, check: Check
) -> None:
    repository.environment |= {"GIT_AUTHOR_EMAIL": MAIL}
    repository.stage({"privacy-allow.toml": allow(MAIL, "author")})
    file = repository.write("message", f"Subject\n\nSigned-off-by: A U Thor <{MAIL}>\n")
    assert check("--message", str(file))[0] == 0
    assert check()[0] == 0


# ------------------------------------------------------------------------------------------- the reviewers


def test_nobody_is_asked_where_something_has_a_form_or_nothing_is_staged_or_there_is_no_claude(
    repository: Repository, check: Check
) -> None:
    repository.write("ccmux.toml", '[claude]\ncommand = ["no-such-claude"]\n')
    repository.write(".git/info/exclude", "/ccmux.toml\n")
    code, _, err = check("--generate-token")
    assert code == 1
    assert "nothing is staged that could be reviewed; git add it first" in err
    repository.stage({"a": MAIL})
    code, out, err = check("--generate-token")
    assert (code, out.split()[0]) == (1, "a:1:1")
    assert "three reviews" not in err
    repository.stage({"a": "hello"})
    code, _, err = check("--generate-token")
    assert code == 1
    assert "'no-such-claude' is not on the PATH; npm install -g @anthropic-ai/claude-code brings it" in err
    assert "or [privacy] require_token = false to go without reviews" in err
    assert "--demo" not in err
    assert not (repository.folder / ".git/ccmux-privacy-token").exists()


def test_reviewers_are_shown_text_whatever_git_is_told_of_it_and_no_binary_file(
    repository: Repository, check: Check
) -> None:
    repository.commit({"old": LONG})
    (repository.folder / "old").rename(repository.folder / "new")
    repository.stage(
        {".gitattributes": "* -diff\n", "new": LONG + "more", "a:b*": bytes(range(256)) * 4, "a:bc": "kept"}
    )
    shown = check("--review")[1]
    assert "rename from old\nrename to new" in shown
    assert "+more" in shown
    assert "+kept" in shown
    assert "a:b*" not in shown
