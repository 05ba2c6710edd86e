from ccmux.drivers.clock import WallClock


def test_local_time_is_aware_and_no_ts_is_too_odd() -> None:
    clock = WallClock()
    assert clock.local(1_700_000_000.0).timestamp() == 1_700_000_000.0
    assert clock.local(1e18).timestamp() == 0.0
    assert clock.hhmm(float("nan")) == clock.hhmm(0.0)
    assert clock.now() > 1_700_000_000.0
