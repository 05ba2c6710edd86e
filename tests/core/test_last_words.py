import pytest

from ccmux.core.last_words import CHARS, last_words


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), ""),
        (("", "  ", "\x1b[0m"), ""),
        (
            ("\x1b[31mcannot be used\x1b[39m  ", "", "Pane is dead (status 1, Fri Nov 20)", ""),
            "cannot be used",
        ),
        (("a", "b", "", "c", "d", "e", "f"), "b / c / d / e / f"),
        (("cause", "x" * 200, "y" * 200), "y" * 200),
        (("cause", "x" * 200, "y" * 100), f"cause / {'x' * 200} / {'y' * 100}"),
        (("\x1b]0;title\x07hello",), "hello"),
    ],
)
def test_the_last_rows_that_say_something(rows: tuple[str, ...], said: str) -> None:
    assert last_words(rows) == said


def test_it_is_a_line_for_a_person_not_a_novel() -> None:
    assert last_words(("x" * 1_000, "y" * 1_000)) == "y" * CHARS
