"""Padé approximants of the inverse root, as partial fractions."""

import functools
import math
from fractions import Fraction

import numpy as np

from matrl.coefficients._arguments import check_scaled, checked_integer, checked_interval
from matrl.coefficients.zolotarev import PartialFractions

_GREATEST_POLES = 8
_BITS = 160  # of the poles, while arithmetic is exact
_POLISHINGS = 4  # Newton steps from eight digits: more than the bits can show
_HALVINGS = 60


def pade(
    root_index: int,
    poles: int,
    lower: float = 1.0,
    upper: float = 1.0,
    numerator_degree: int | None = None,
) -> PartialFractions:
    """Return the Padé approximant p of m^(-1/k) at m = 1, after scaling x for [lower, upper].

    With s the scale it is s p(s^k m), whose map is h(s x), h(x) = x p(x^k). All weights and shifts
    are positive. Nothing is centred: x = 1/s is sent to 1.

    The [r/r] kind satisfies h(x) - 1 = O((x - 1)^(2r+1)). It increases and h(1/x) = 1/h(x), so
    log h is odd in log x and its slope grows with |log x|: s = 1/sqrt(lower upper) gives the image
    [1/H, H] the least H, and Halley's map for one pole and k = 2. The [r-1/r] kind satisfies
    h(x) - 1 = O((x - 1)^(2r)) and h <= 1 with equality at 1 only, so s makes both ends of the image
    equal, which is the same 1/sqrt(lower upper) for k = 2; its constant is 0.0.

    Args:
        root_index: k, at least 2.
        poles: r, in 1..8.
        lower: least x, positive.
        upper: greatest x, at least lower. Equal ends scale x so that they are sent to 1.
        numerator_degree: r (the default) or r - 1.

    Raises:
        InputError: an argument is out of its range, or the range too far from 1 for floats.

    Source: Kenney & Laub (1991), doi:10.1137/0612020; Higham, Functions of Matrices, section 5.4;
    for roots and in hypergeometric form, Gomilko, Karp, Lin & Zietak, J. Comput. Appl. Math. 236
    (2012) 4410-4420.

    >>> p = pade(2, 1)  # Halley's (3 + m)/(1 + 3 m)
    >>> [round(number, 12) for number in (p.constant, *p.weights, *p.shifts)]
    [0.333333333333, 0.888888888889, 0.333333333333]
    """
    root_index = checked_integer("root_index", root_index, 2)
    poles = checked_integer("poles", poles, 1, _GREATEST_POLES)
    lower, upper = checked_interval(lower, upper)
    if numerator_degree is None:
        numerator_degree = poles
    numerator = checked_integer("numerator_degree", numerator_degree, poles - 1, poles)
    unit = _unit(root_index, numerator, poles)
    scale = 1.0 / math.sqrt(lower) / math.sqrt(upper)
    if numerator < poles and root_index > 2 and lower < upper:
        scale *= math.exp(_shift(root_index, unit, math.log(upper / lower) / 2.0))
    try:
        power = scale**-root_index
    except OverflowError:
        power = math.inf
    scaled = PartialFractions(
        constant=scale * unit.constant,
        weights=tuple(scale * power * weight for weight in unit.weights),
        shifts=tuple(power * shift for shift in unit.shifts),
    )
    used = (scaled.constant,) if numerator == poles else ()
    check_scaled((*used, *scaled.weights, *scaled.shifts), upper)
    return scaled


@functools.lru_cache(maxsize=256)
def _unit(root_index: int, numerator: int, poles: int) -> PartialFractions:
    """Return the approximant at m = 1 in exact arithmetic but for its poles, rounded once.

    As m^(-1/k) is a Stieltjes function of m - 1, these are the nodes and weights of the
    Gauss-Jacobi rule ([r-1/r]) or the Gauss-Radau-Jacobi rule ([r/r]): real and positive.
    """
    exponent = Fraction(-1, root_index)
    above = _hypergeometric(numerator, -exponent - poles, numerator + poles)
    below = _hypergeometric(poles, exponent - numerator, numerator + poles)
    slope = [index * value for index, value in enumerate(below)][1:]
    shifts: list[float] = []
    weights: list[float] = []
    for start in np.sort(np.roots([float(value) for value in reversed(below)]).real)[::-1]:
        root = Fraction(float(start))
        for _ in range(_POLISHINGS):
            root -= _value(below, root) / _value(slope, root)
            root = Fraction(round(root * 2**_BITS), 2**_BITS)
        shifts.append(float(-1 - root))
        weights.append(float(_value(above, root) / _value(slope, root)))
    constant = float(above[-1] / below[-1]) if numerator == poles else 0.0
    return PartialFractions(constant=constant, weights=tuple(weights), shifts=tuple(shifts))


def _hypergeometric(degree: int, parameter: Fraction, total: int) -> list[Fraction]:
    """Return 2F1(-degree, parameter; -total; -z) by powers of z = m - 1."""
    terms = [Fraction(1)]
    for order in range(degree):
        factor = Fraction(order - degree) * (parameter + order) / (order - total) / (order + 1)
        terms.append(-terms[-1] * factor)
    return terms


def _value(polynomial: list[Fraction], point: Fraction) -> Fraction:
    """Return the value of a polynomial by rising powers."""
    value = Fraction(0)
    for coefficient in reversed(polynomial):
        value = value * point + coefficient
    return value


def _shift(root_index: int, unit: PartialFractions, half: float) -> float:
    """Return the t for which h is equal at the logarithms t - half and t + half of x."""

    def log_map(logarithm: float) -> float:
        exponent = root_index * logarithm
        if exponent > 700.0:  # m would overflow, and no shift counts beside it
            return logarithm - exponent + math.log(sum(unit.weights))
        m = math.exp(exponent)
        pairs = zip(unit.weights, unit.shifts, strict=True)
        return logarithm + math.log(sum(weight / (m + shift) for weight, shift in pairs))

    low, high, middle = -half, half, 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        difference = log_map(middle + half) - log_map(middle - half)
        if abs(difference) < 1e-15:
            break
        if difference > 0.0:
            low = middle
        else:
            high = middle
    return middle
