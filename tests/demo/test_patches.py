"""The data: photographs, regions, covariances."""

import sys

import numpy as np
import pytest

from matrl.demo.patches import covariance, load_photographs, regions, split
from matrl.errors import InputError, MissingExtraError

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def photographs():
    return load_photographs()


def test_photographs_are_the_two_of_scikit_learn(photographs):
    assert list(photographs) == ["china", "flower"]
    assert {image.shape for image in photographs.values()} == {(427, 640, 3)}


def test_regions_cover_each_photograph_once(photographs):
    for name, image in photographs.items():
        covered = np.zeros(image.shape[:2], dtype=int)
        for region in regions(photographs):
            if region.photograph == name:
                covered[region.top : region.bottom, region.left : region.right] += 1
        assert np.all(covered == 1)


def test_each_photograph_has_training_and_held_out_regions(photographs):
    found = {(region.photograph, region.held_out) for region in regions(photographs)}
    assert found == {(name, use) for name in photographs for use in (True, False)}


def test_covariance_agrees_with_numpy():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 15, 3)).astype(np.uint8)
    c, count = covariance(pixels, 3, ridge=0.0)
    rows = [
        pixels[i : i + 3, j : j + 3].transpose(2, 0, 1).ravel() / 255.0
        for i in range(0, 10, 2)
        for j in range(0, 13, 2)
    ]
    assert count == len(rows)
    np.testing.assert_allclose(c, np.cov(np.array(rows).T, bias=True), atol=1e-12)


def test_the_ridge_is_a_share_of_the_mean_eigenvalue():
    pixels = np.random.default_rng(1).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    plain, _ = covariance(pixels, 3, ridge=0.0)
    ridged, _ = covariance(pixels, 3, ridge=0.5)
    expected = plain + 0.5 * np.mean(np.linalg.eigvalsh(plain)) * np.eye(len(plain))
    np.testing.assert_allclose(ridged, expected, rtol=1e-10)


@pytest.mark.parametrize("patch", [0, 21])
def test_a_patch_that_does_not_fit_is_refused(patch):
    with pytest.raises(InputError, match="patch"):
        covariance(np.zeros((20, 30, 3)), patch)


def test_split_is_deterministic_symmetric_and_positive_definite(photographs):
    first, second = split(photographs, 4), split(photographs, 4)
    samples = (*first.training, *first.held_out)
    assert [s.region.held_out for s in samples] == [False] * 4 + [True] * 2
    for one, other in zip(samples, (*second.training, *second.held_out), strict=True):
        assert one.covariance.shape == (48, 48)
        assert np.array_equal(one.covariance, one.covariance.T)
        assert one.smallest > 0.0
        assert np.array_equal(one.covariance, other.covariance)


@pytest.mark.slow
def test_conditions_at_the_real_size(photographs):
    found = split(photographs, 16)
    assert all(len(s.covariance) == 768 for s in (*found.training, *found.held_out))
    conditions = {s.region.name: s.condition for s in (*found.training, *found.held_out)}
    assert conditions == pytest.approx(
        {
            "china, top left": 6.06e4,
            "china, bottom left": 2.86e4,
            "flower, top left": 6.04e4,
            "flower, bottom left": 5.86e4,
            "china, right half": 6.97e4,
            "flower, right half": 6.20e4,
        },
        rel=0.02,
    )
    # Held out is harder than anything seen: largest eigenvalue and condition number.
    assert max(s.largest for s in found.held_out) > max(s.largest for s in found.training)
    assert max(s.condition for s in found.held_out) > max(s.condition for s in found.training)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'matrl\[demo\]'"):
        load_photographs()
