"""How long a daemon that failed is left alone."""

from __future__ import annotations

import pytest
from fake_clock import FakeClock

from nxscribe.client._rest import Rest


@pytest.mark.parametrize(("cost_s", "rest_s"), [(2.0, 60.0), (9.0, 60.0), (0.01, 0.3), (0.0, 0.0)])
def test_a_rest_is_as_long_as_the_failure_was_dear(cost_s: float, rest_s: float):
    clock = FakeClock()
    rest = Rest(60.0, clock.monotonic)
    assert rest.left_s == 0
    rest.begin(cost_s)
    assert rest.left_s == pytest.approx(rest_s)
    clock.advance(rest_s)
    assert rest.left_s == pytest.approx(0)
