from __future__ import annotations

import math

import numpy as np
import pytest

from nxscribe.simulation.scenes._phantom import BONE, Ellipsoid, Phantom, rays

ANGLES = [0.0, 17.3, 45.0, 90.0, 133.7, 180.0]


@pytest.mark.parametrize("angle", ANGLES)
def test_a_projection_holds_the_whole_mass_under_every_angle(angle: float):
    pixels = 84.0
    image = BONE.projection(angle, *rays((160, 192), pixels))
    assert image.sum() / pixels**2 == pytest.approx(BONE.mass, rel=1e-3)


@pytest.mark.parametrize("angle", ANGLES)
def test_a_projection_is_the_integral_along_the_ray(angle: float):
    body = Ellipsoid(0.7, (0.5, 0.2, 0.4), (0.2, -0.3, 0.1), tilt_deg=30.0)
    s, z = 0.31 * math.cos(math.radians(angle)), 0.2
    theta, tilt = math.radians(angle), math.radians(body.tilt_deg)
    along = np.linspace(-1, 1, 200_001)
    x = s * math.cos(theta) - along * math.sin(theta) - body.centre[0]
    y = s * math.sin(theta) + along * math.cos(theta) - body.centre[1]
    own_x, own_y = x * math.cos(tilt) + y * math.sin(tilt), y * math.cos(tilt) - x * math.sin(tilt)
    a, b, c = body.semi_axes
    inside = (own_x / a) ** 2 + (own_y / b) ** 2 + ((z - body.centre[2]) / c) ** 2 <= 1
    integral = body.density * inside.sum() * (along[1] - along[0])
    assert body.projection(angle, np.array([s]), np.array([z]))[0] == pytest.approx(integral, abs=1e-4)


def test_a_turn_by_180_degrees_mirrors_the_projection():
    s, z = rays((64, 65), 30.0)
    assert np.allclose(BONE.projection(180.0, s, z), BONE.projection(0.0, s, z)[:, ::-1])


def test_the_upper_rows_show_what_is_above():
    ball_above = Phantom((Ellipsoid(1.0, (0.1, 0.1, 0.1), (0.0, 0.0, 0.5)),))
    image = ball_above.projection(0.0, *rays((64, 64), 30.0))
    assert image[:32].sum() > 0
    assert image[32:].sum() == 0


def test_the_phantom_has_no_negative_density_and_fits_its_cylinder():
    s, z = rays((200, 200), 100.0)
    for angle in ANGLES:
        image = BONE.projection(angle, s, z)
        assert image.min() >= -1e-12
        assert (image[np.broadcast_to(np.abs(s) > 1, image.shape)] == 0).all()
