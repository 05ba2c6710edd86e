import pytest

from ccmux.core.channel import believed, input_channel, is_channel, is_misnamed_input, output_channel


@pytest.mark.parametrize("name", ["a", "A9", "wa.family", "x_y-z", "a" * 64])
def test_names_that_are_channels(name: str) -> None:
    assert is_channel(name)


@pytest.mark.parametrize("name", ["", ".a", "-a", "a/b", "a b", "a" * 65, "a\n", "ä", "x] hi\n[00:00 admin"])
def test_names_that_are_not(name: str) -> None:
    assert not is_channel(name)


@pytest.mark.parametrize(
    ("fifo", "channel"),
    [
        ("in", "default"),
        ("in.tg", "tg"),
        ("in.tg.bob", "tg.bob"),
        ("in.", None),
        ("inx", None),
        ("out.a", None),
    ],
)
def test_a_fifos_name_says_its_channel(fifo: str, channel: str | None) -> None:
    assert input_channel(fifo) == channel


@pytest.mark.parametrize(
    ("fifo", "is_misnamed"),
    [("in.a b", True), ("in.", True), ("in.a", False), ("in", False), ("inbox", False), ("out.a b", False)],
)
def test_an_inputs_name_without_a_channels_is_told_from_other_files(fifo: str, is_misnamed: bool) -> None:
    assert is_misnamed_input(fifo) is is_misnamed


@pytest.mark.parametrize(("fifo", "channel"), [("out.a", "a"), ("out", None), ("out.", None), ("in.a", None)])
def test_an_output_fifos_name_says_its_channel(fifo: str, channel: str | None) -> None:
    assert output_channel(fifo) == channel


@pytest.mark.parametrize(
    ("claim", "fifo", "is_believed"),
    [("tg", "tg", True), ("tg.bob", "tg", True), ("tgx", "tg", False), ("wa", "tg", False)],
)
def test_a_writer_speaks_for_itself_and_below(claim: str, fifo: str, is_believed: bool) -> None:
    assert believed(claim, fifo) is is_believed
