from __future__ import annotations

import numpy as np
import pytest

from nxscribe.simulation.scenes import (
    AnyScene,
    EmptyBeam,
    Film,
    FluorescenceMap,
    Geometry,
    Hologram,
    ImageKey,
    MeshPoint,
    Tomography,
    read_scene,
    scene_text,
)
from nxscribe.simulation.scenes._detector import OFFSET
from nxscribe.simulation.scenes._fluorescence import BIN_KEV
from nxscribe.simulation.scenes._holography import exit_wave, propagate
from nxscribe.simulation.scenes._phantom import BONE, rays

PCO = Geometry(160, 192, 6.5)
FRELON = Geometry(128, 128, 12.0)
XSPRESS = Geometry(4, 2048, 8000.0)

SCENES = [
    (EmptyBeam(seed=3), FRELON),
    (Tomography(projections=4, darks=1, flats=1, flats_every=2), PCO),
    (Hologram(angle_step_deg=10.0), FRELON),
    (MeshPoint(0.1, -0.2), FRELON),
    (Film(cross_angle_deg=60.0), FRELON),
    (FluorescenceMap(2, 2), XSPRESS),
]


@pytest.mark.parametrize(("scene", "geometry"), SCENES, ids=lambda one: type(one).__name__)
def test_a_scene_shows_the_same_again_and_something_else_in_the_next_frame(scene: AnyScene, geometry: Geometry):
    first, again, second = (scene.frame(number, geometry).counts for number in (0, 0, 1))
    assert first.shape == geometry.shape
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("scene", "geometry"), SCENES, ids=lambda one: type(one).__name__)
def test_a_scene_travels_as_text(scene: AnyScene, geometry: Geometry):
    assert read_scene(scene_text(scene)) == scene
    assert geometry.shape == scene.frame(0, geometry).counts.shape


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scene": "Eclipse"}', '{"scene": "Tomography", "moons": 2}'])
def test_a_text_that_is_no_scene_is_refused(text: str):
    with pytest.raises(ValueError, match=r"no scene|Expecting"):
        read_scene(text)


class TestTomography:
    scene = Tomography(projections=6, darks=4, flats=5, flats_every=3)

    def frames(self, key: ImageKey) -> dict[float, np.ndarray]:
        found: dict[float, list[np.ndarray]] = {}
        for number, (this, angle) in enumerate(self.scene.sequence):
            if this is key:
                found.setdefault(angle, []).append(self.scene.frame(number, PCO).counts)
        return {angle: np.mean(frames, axis=0) for angle, frames in found.items()}

    def test_darks_come_first_and_flats_before_during_and_after(self):
        keys = "".join(str(int(key)) for key, _ in self.scene.sequence)
        assert keys == "2222" + "11111" + "000" + "11111" + "000" + "11111"

    def test_the_angles_rise_evenly_and_leave_the_last_one_out(self):
        angles = [angle for key, angle in self.scene.sequence if key is ImageKey.PROJECTION]
        assert angles == [0.0, 30.0, 60.0, 90.0, 120.0, 150.0]

    def test_corrected_by_dark_and_flat_it_is_the_phantom_within_the_noise(self):
        (dark,) = self.frames(ImageKey.DARK).values()
        flat = np.mean(list(self.frames(ImageKey.FLAT).values()), axis=0)
        s, z = rays(PCO.shape, self.scene.radius_pixels)
        for angle, projection in self.frames(ImageKey.PROJECTION).items():
            measured = -np.log((projection - dark) / (flat - dark)) / self.scene.attenuation
            error = measured - BONE.projection(angle, s, z)
            assert np.abs(error).mean() < 0.02
            assert abs(error.mean()) < 0.001
            assert measured.sum() / self.scene.radius_pixels**2 == pytest.approx(BONE.mass, rel=0.01)

    def test_no_pixel_saturates_and_none_is_empty(self):
        (dark,) = self.frames(ImageKey.DARK).values()
        assert dark.mean() == pytest.approx(OFFSET, abs=0.5)
        for frame in [*self.frames(ImageKey.FLAT).values(), *self.frames(ImageKey.PROJECTION).values()]:
            assert OFFSET + 1000 < frame.min() < frame.max() < 65535


class TestHologram:
    wave = exit_wave(14.0 * BONE.projection(0.0, *rays((128, 128), 40.0)), 17.05)

    def test_at_no_distance_it_is_the_shadow(self):
        shadow = propagate(self.wave, 0.3, 0.0, 17.05)
        assert np.abs(shadow - np.abs(self.wave) ** 2).max() < 0.02  # but for the blur

    def test_propagation_loses_no_photon(self):
        for distance_mm in (5.0, 30.0, 80.0):
            spread = propagate(self.wave, 0.3, distance_mm, 17.05)
            assert spread.mean() == pytest.approx((np.abs(self.wave) ** 2).mean(), rel=1e-3)

    def test_the_fringes_follow_from_the_phase_and_grow_with_the_distance(self):
        contrast = [propagate(self.wave, 0.3, distance_mm, 17.05).std() for distance_mm in (0.0, 5.0, 30.0)]
        assert contrast[0] < contrast[1] < contrast[2]

    def test_a_thin_object_has_the_contrast_of_the_transfer_function(self):
        """A weak phase grating phi cos(2 pi f x) has the intensity 1 - 2 phi sin(pi lambda D f^2) cos(2 pi f x) ...

        with the sign of our phase, which is negative: 1 + 2 phi sin(...).
        """
        pixel_um, cycles, phi, distance_mm, energy_kev = 0.3, 8, 1e-3, 20.0, 17.05
        x = np.arange(128)
        grating = phi * np.cos(2 * np.pi * cycles * x / 128)[np.newaxis, :] * np.ones((128, 1))
        intensity = propagate(np.exp(-1j * grating), pixel_um, distance_mm, energy_kev)
        frequency = cycles / (128 * pixel_um)
        lag = np.pi * 1.239842e-3 / energy_kev * distance_mm * 1e3 * frequency**2
        blur = np.exp(-2 * (np.pi * frequency * pixel_um / 2) ** 2)
        assert np.allclose(intensity - 1, -2 * np.sin(lag) * blur * grating, atol=3e-6)

    def test_far_from_the_sample_it_is_its_reference(self):
        sample, reference = (
            Hologram(content=what).frame(0, Geometry(256, 256, 6.0)).counts for what in ("sample", "reference")
        )
        corner = np.s_[:20, :20]
        assert sample[corner].mean() == pytest.approx(reference[corner].mean(), rel=0.02)
        assert np.abs(sample.astype(float) - reference).mean() > 50

    def test_the_sample_grows_with_the_magnification(self):
        near, far = (Hologram(source_sample_mm=mm, sample_detector_mm=1200 - mm) for mm in (30.0, 45.0))
        assert near.magnification == pytest.approx(40)
        geometry = Geometry(256, 256, 6.0)
        disturbed = [(np.abs(plane.intensity(0.0, geometry) - 1) > 0.05).sum() for plane in (near, far)]
        assert disturbed[0] / disturbed[1] == pytest.approx((45 / 30) ** 2, rel=0.3)


def test_the_diode_sees_the_transmission_of_each_point():
    geometry = Geometry(64, 64, 24.0)

    def light(point: MeshPoint) -> float:
        return float((point.frame(0, geometry).counts - OFFSET).sum())

    outside = light(MeshPoint(0.6, 0.6))
    for x, y in ((0.0, 0.0), (0.2, -0.1), (-0.2, 0.2)):
        point = MeshPoint(x, y)
        assert point.transmission < 0.9
        assert light(point) / outside == pytest.approx(point.transmission, rel=0.01)


class TestFilm:
    def test_it_shows_as_many_beams_as_were_asked_for_with_their_spacing(self):
        dose = Film(beams=9, film_pixel_um=10.0).dose(1, Geometry(8, 512, 6.0))[4]
        rising = np.flatnonzero((dose[1:] > 0.5) & (dose[:-1] <= 0.5))
        assert len(rising) == 9
        assert np.allclose(np.diff(rising) * 10.0, 400.0)

    def test_each_direction_adds_its_dose_and_darkens_the_film(self):
        film, geometry = Film(cross_angle_deg=90.0), Geometry(256, 256, 6.0)
        assert film.dose(2, geometry).max() == pytest.approx(2 * film.dose(1, geometry).max(), rel=0.01)
        light = [film.frame(number, geometry).counts.mean() for number in range(2)]
        assert light[1] < light[0]


class TestFluorescence:
    scene = FluorescenceMap(5, 5, 0.2, 0.2)

    def test_the_points_cover_the_map_row_by_row_around_the_middle(self):
        points = [self.scene.point_mm(number) for number in range(25)]
        assert points[:2] == [(-0.4, -0.4), (-0.2, -0.4)]
        assert points[12] == (0.0, 0.0)
        assert points[24] == (0.4, 0.4)

    def test_a_line_holds_the_counts_of_its_element(self):
        spectrum = self.scene.frame(12, XSPRESS).counts[0].astype(float)
        line = spectrum[int(6.2 / BIN_KEV) : int(6.6 / BIN_KEV)]
        beside = spectrum[int(5.6 / BIN_KEV) : int(6.0 / BIN_KEV)]
        expected = self.scene.content(12)["Fe"]
        assert expected > 1000
        assert line.sum() - beside.sum() == pytest.approx(expected, abs=5 * np.sqrt(line.sum()))
        assert np.argmax(line) * BIN_KEV + 6.2 == pytest.approx(6.404, abs=0.05)

    def test_an_element_shows_only_where_it_is(self):
        assert self.scene.content(12)["Fe"] > 0
        assert self.scene.content(0) == {"Ca": 0, "Fe": 0, "Cu": 0, "Zn": 0}
