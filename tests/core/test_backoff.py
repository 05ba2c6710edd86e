import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.backoff import restart_wait_s


@pytest.mark.parametrize(("restarts", "wait_s"), [(0, 1.0), (1, 2.0), (5, 32.0), (6, 60.0), (10**9, 60.0)])
def test_it_doubles_up_to_its_cap(restarts: int, wait_s: float) -> None:
    assert restart_wait_s(restarts, initial_s=1.0, cap_s=60.0) == wait_s


@given(st.integers(0, 10**6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_it_never_shrinks_nor_passes_the_cap(restarts: int, initial_s: float, cap_s: float) -> None:
    wait_s = restart_wait_s(restarts, initial_s=initial_s, cap_s=cap_s)
    assert 0 <= wait_s <= cap_s
    assert wait_s <= restart_wait_s(restarts + 1, initial_s=initial_s, cap_s=cap_s)
