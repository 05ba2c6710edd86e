import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.live.discretion import PROMPT_BYTES, Discretion, noise, redacted
from ccmux.core.live.metrics import Totals
from ccmux.core.live.payload import BODY_BYTES, TOOLS, Session, heartbeat, session_of, source_name, stop
from ccmux.core.personal import Finding, Kind

SECRET = b"this machine's own"


def discretion(*, redact: bool = True, projects: tuple[str, ...] = ()) -> Discretion:
    return Discretion(redact=redact, projects=projects, home="/home/jo", secret=SECRET)


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("run the tests", "run the tests"),
        ("", ""),
        ("mail anna.smith@web-mail.org now", "mail [email] now"),
        ("call +4930901820 or anna@web-mail.org", "call [phone] or [email]"),
        ("look into /home/anna/notes.txt", "look into [path]/notes.txt"),
        ("why does /home/ubuntu/site not reach 192.168.0.2?", "why does [path]/site not reach [host]?"),
        ("who is user@example.com?", "who is user@example.com?"),
        ('[14:30 ccmux] 1 message:\n\n<pasted_content id="56af">\na\nb\n</pasted_content id="56af">\n',
         "[14:30 ccmux] 1 message:\na\nb"),
    ],
)  # fmt: skip
def test_a_prompt_leaves_without_what_is_personal(prompt: str, shown: str) -> None:
    assert discretion().prompt(prompt, sensitive=False) == shown


def test_who_does_not_want_placeholders_gets_none() -> None:
    prompt = "mail anna.smith@web-mail.org"
    assert discretion(redact=False).prompt(prompt, sensitive=False) == prompt


def test_a_sensitive_prompt_leaves_as_noise_of_its_length_and_stays_the_same() -> None:
    prompt = "nobody's business \u00e9"
    shown = discretion().prompt(prompt, sensitive=True)
    assert len(shown.encode()) == len(prompt.encode())
    assert shown == discretion(redact=False).prompt(prompt, sensitive=True)
    assert shown != noise(prompt, b"another machine's")
    assert shown != noise("nobody's business e!", SECRET)
    assert not set(shown) - set("abcdefghijklmnopqrstuvwxyz ")


@given(st.text(max_size=3_000), st.booleans(), st.booleans())
def test_whatever_is_asked_no_half_character_and_never_too_much(
    text: str, sensitive: bool, redact: bool
) -> None:
    shown = discretion(redact=redact).prompt(text, sensitive=sensitive)
    assert len(shown.encode()) <= PROMPT_BYTES
    if not redact and not sensitive:
        assert text.strip().startswith(shown) or "<" in text


def test_what_is_cut_in_two_is_not_left_half() -> None:
    text = "x" * 1_990 + " anna.smith@web-mail.org"
    assert "anna" not in redacted(text)
    assert redacted("y" * 3_000) == ""


def test_of_what_overlaps_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding(Kind.EMAIL, 2, 6, ""), Finding(Kind.KEY, 4, 9, ""), Finding(Kind.PHONE, 9, 10, "")]
    monkeypatch.setattr("ccmux.core.live.discretion.find_personal", lambda text, strict: found)
    assert redacted("0123456789abc") == "01[email][phone]abc"


@pytest.mark.parametrize(
    ("projects", "cwd", "shown"),
    [
        ((), "/anywhere", True),
        (("site",), "/home/jo/site", True),
        (("site",), "/home/jo/site/deeper", False),
        (("site",), "/home/jo/website", False),
        (("~/open",), "/home/jo/open/a/b", True),
        (("/srv",), "/srv", True),
        (("/srv", "other"), "/srvx", False),
        (("site",), "", False),
    ],
)
def test_only_listed_projects_are_shown(projects: tuple[str, ...], cwd: str, shown: bool) -> None:
    assert discretion(projects=projects).shows(cwd) is shown


@pytest.mark.parametrize(
    ("cwd", "project"),
    [
        ("/home/jo/site", "site"),
        ("/home/jo", "~"),
        ("/home/jo/", "~"),
        ("/srv/anna.smith@web-mail.org", "[email]"),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_project_is_its_folders_name_and_nobodys(cwd: str, project: str) -> None:
    assert discretion().project(cwd) == project


def test_who_wants_no_placeholders_gets_none_for_a_project_either() -> None:
    assert discretion(redact=False).project("/srv/anna@web-mail.org") == "anna@web-mail.org"


def session(id_: str = "s", totals: Totals | None = None, prompt: str = "") -> Session:
    return session_of(
        id_, totals or Totals(), project="p", model="m", state="idle", prompt=prompt, sensitive=False
    )


def test_a_heartbeat_is_what_relays_have_always_taken_and_more() -> None:
    totals = Totals(
        fresh=1, written=20, read=300, output=4_000, cost=1.23456, tool_calls=3, tools={"a": 1, "b": 2},
        user_prompts=2, active_s=61.9, context=321,
    )  # fmt: skip
    told = json.loads(heartbeat("here", [session(totals=totals, prompt="x")]))
    assert told == {
        "source": "here",
        "sessions": [
            {
                "session_id": "s",
                "total_tokens": 4_321,
                "tool_calls": 3,
                "user_prompts": 2,
                "active_time_seconds": 61,
                "last_prompt": "x",
                "project": "p",
                "model": "m",
                "sensitive": False,
                "state": "idle",
                "input_tokens": 1,
                "output_tokens": 4_000,
                "cache_creation_input_tokens": 20,
                "cache_read_input_tokens": 300,
                "context_tokens": 321,
                "tool_counts": {"b": 2, "a": 1},
                "cost_usd": 1.2346,
            }
        ],
    }
    assert json.loads(stop("here")) == {"source": "here"}


def test_a_cost_that_is_not_the_whole_is_not_told() -> None:
    assert session(totals=Totals(cost=1.0, unpriced=True)).cost_usd is None
    assert b"cost_usd" not in heartbeat("x", [session(totals=Totals(unpriced=True))])


def test_only_the_most_used_tools_are_told() -> None:
    told = session(totals=Totals(tools={f"t{number}": number for number in range(50)})).tool_counts
    assert len(told) == TOOLS
    assert min(told.values()) == 30


def test_a_body_that_no_relay_takes_is_made_smaller() -> None:
    many = [session(f"s{number}", prompt="\x01" * 500) for number in range(40)]
    body = heartbeat("x", many)
    assert len(body) <= BODY_BYTES
    assert json.loads(body)["sessions"][-1]["session_id"] == "s39"


def test_a_source_is_the_same_for_one_user_of_one_machine_and_says_neither() -> None:
    name = source_name("laptop", 1000, SECRET)
    assert name == source_name("laptop", 1000, SECRET)
    assert len({name, source_name("laptop", 1001, SECRET), source_name("other", 1000, SECRET)}) == 3
    assert "laptop" not in name
