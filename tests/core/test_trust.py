import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.trust import with_trust

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def test_without_a_file_one_begins() -> None:
    text = with_trust(None, "/p")
    assert text is not None
    assert json.loads(text) == {"projects": {"/p": {"hasTrustDialogAccepted": True}}}


@given(
    st.dictionaries(st.text(), JSON, max_size=3), st.dictionaries(st.text(), st.dictionaries(st.text(), JSON))
)
def test_everything_else_is_kept_in_its_order(state: dict[str, object], projects: dict[str, object]) -> None:
    projects.pop("/p", None)
    before = {"first": 1, **state, "projects": {**projects, "/p": {"history": ["é\ud800"]}}}
    text = with_trust(json.dumps(before), "/p")
    assert text is not None
    text.encode()
    after = json.loads(text)
    assert list(after) == list(before)
    assert after["projects"].pop("/p") == {"history": ["é\ud800"], "hasTrustDialogAccepted": True}
    assert after == {**before, "projects": projects}


@pytest.mark.parametrize(
    "text",
    [
        '{"projects": {"/p": {"hasTrustDialogAccepted": true}}}',
        "",
        "{not json",
        "[]",
        '{"projects": []}',
        '{"projects": {"/p": 1}}',
    ],
)
def test_what_is_trusted_or_not_understood_is_left_alone(text: str) -> None:
    assert with_trust(text, "/p") is None
