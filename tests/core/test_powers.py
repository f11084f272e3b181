"""Whole powers by squaring."""

import numpy as np
import pytest

from matrl.core.powers import whole_power


@pytest.mark.parametrize("exponent", [1, 2, 3, 7, 64])
def test_whole_powers(exponent):
    x = np.array([0.3, 1.0, 1.1])
    np.testing.assert_allclose(whole_power(x, exponent), x**exponent, rtol=1e-13)
