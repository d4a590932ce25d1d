"""Values laid out by the order in which they were measured, against loops that measure them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.projections.nexus._mesh_layout import OrderError, mesh_of


@given(data=st.data(), lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_what_loops_measure_one_after_another_is_laid_out_as_it_was(data: st.DataObject, lengths: list[int]) -> None:
    axes = range(len(lengths))
    ids = data.draw(st.permutations(axes))
    snakes = data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))
    picture = np.arange(np.prod(lengths)).reshape(lengths)
    nesting = sorted(axes, key=lambda axis: -ids[axis])  # the outermost loop first
    measured: list[int] = []
    passes = dict.fromkeys(axes, 0)

    def measure(depth: int, index: dict[int, int]) -> None:
        if depth == len(nesting):
            measured.append(int(picture[tuple(index[axis] for axis in axes)]))
            return
        axis = nesting[depth]
        positions = range(lengths[axis])
        is_back = snakes[axis] and passes[axis] % 2
        passes[axis] += 1
        for position in reversed(positions) if is_back else positions:
            measure(depth + 1, {**index, axis: position})

    measure(0, {})
    kinds = " ".join("backnforth" if one else "forth" for one in snakes)
    mesh = mesh_of(lengths, " ".join(map(str, ids)), kinds)
    laid = mesh.lay_out(np.asarray(measured)) if mesh.shape else np.asarray(measured)
    np.testing.assert_array_equal(laid.ravel(), picture.ravel())
    # A point's place along each axis agrees with that.
    places = dict(zip(picture.ravel().tolist(), itertools.product(*map(range, lengths)), strict=True))
    positions = [np.asarray([places[value][axis] for value in measured]) for axis in axes if lengths[axis] > 1]
    assert mesh.doubt(positions) == ""


@pytest.mark.parametrize(
    ("ids", "kinds"), [("0", ""), ("0 x", ""), ("0 0", ""), ("", "forth"), ("", "forth sideways"), ("1e999 0", "")]
)
def test_what_is_no_order_is_told(ids: str, kinds: str) -> None:
    with pytest.raises(OrderError):
        mesh_of([2, 3], ids, kinds)


def test_an_axis_of_one_position_needs_no_order() -> None:
    assert mesh_of([1, 3], "0 0", "x forth").shape == (3,)
