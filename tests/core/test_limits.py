from datetime import UTC, datetime

import pytest

from ccmux.core.limits import limit_ends

NOW = datetime(2026, 11, 20, 14, 0, 30, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("sentence", "ends"),
    [
        ("You've hit your session limit · resets 3:45pm", datetime(2026, 11, 20, 15, 45, tzinfo=UTC)),
        ("You've hit your session limit · resets 1pm", datetime(2026, 11, 21, 13, 0, tzinfo=UTC)),
        ("You've hit your weekly limit · resets Mon 12:00am", datetime(2026, 11, 23, 0, 0, tzinfo=UTC)),
        ("You've hit your weekly limit · resets Friday 9:00am", datetime(2026, 11, 27, 9, 0, tzinfo=UTC)),
        ("resets 12:30PM", datetime(2026, 11, 21, 12, 30, tzinfo=UTC)),
        ("resets 25:99pm", datetime(2026, 11, 20, 14, 15, 30, tzinfo=UTC)),
        ("API Error: Request rejected (429)", datetime(2026, 11, 20, 14, 15, 30, tzinfo=UTC)),
    ],
)
def test_the_sentence_names_the_end(sentence: str, ends: datetime) -> None:
    assert limit_ends(sentence, now=NOW) == ends
