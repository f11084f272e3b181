"""Elliptic nodes of Zolotarev's maps, by theta series.

Every quantity comes from the complementary parameter, so nothing cancels however small l is or
however close to 1. Source: DLMF 22.2 and 20.2, https://dlmf.nist.gov/22.2.
"""

import functools
import math


def log_nome(complement: float, modulus: float) -> float:
    """Return log of the nome of ``modulus``, -pi K(complement)/K(modulus)."""
    return -math.pi * _mean(complement) / _mean(modulus)


def _mean(value: float) -> float:
    """Return the arithmetic-geometric mean of 1 and a positive ``value``."""
    one, two = 1.0, value
    while abs(one - two) > 1e-8 * one:
        one, two = (one + two) / 2.0, math.sqrt(one * two)
    return (one + two) / 2.0


@functools.lru_cache(maxsize=1024)
def elliptic_nodes(ratio: float, gap: float, parts: int) -> tuple[float, ...]:
    """Return l^2 sc^2(i K'/N), modulus sqrt(1 - l^2), for i = 1..N-1, increasing.

    ``ratio`` is l, ``gap`` 1 - l without rounding and ``parts`` N. Node i times node N - i is l^2.
    """
    complement = math.sqrt(gap * (1.0 + ratio))
    small = ratio * ratio <= 0.5
    if small:
        log_of_nome = log_nome(complement, ratio)
    else:
        log_of_nome = log_nome(ratio, complement) if complement > 0.0 else -math.inf
    quotient = _quotient_small if small else _quotient_large
    half = (parts - 1) // 2
    below = [ratio * quotient(log_of_nome, index, parts) ** 2 for index in range(1, half + 1)]
    middle = () if parts % 2 else (ratio,)
    return (*below, *middle, *(ratio / node * ratio for node in reversed(below)))


def stationary_points(lower: float, upper: float, nodes: tuple[float, ...]) -> tuple[float, ...]:
    """Return upper dn(i K'/N) for i = N-1..1, increasing and within [lower, upper]."""
    ratio = lower / upper
    # dn^2 = (1 + l^2 sc^2)/(1 + sc^2), with l^2 sc^2 = node
    points = [lower * math.sqrt((1.0 + c) / (ratio * ratio + c)) for c in reversed(nodes)]
    return tuple(min(max(point, lower), upper) for point in points)


def _quotient_large(log_of_nome: float, index: int, parts: int) -> float:
    """Return theta_1/theta_2 at pi index/(2 parts), by the nome of sqrt(1 - l^2)."""
    angle, nome = math.pi * index / (2 * parts), math.exp(log_of_nome)
    numerator = denominator = 0.0
    for n in range(5):
        power = nome ** (n * (n + 1))
        numerator += (-1.0) ** n * power * math.sin((2 * n + 1) * angle)
        denominator += power * math.cos((2 * n + 1) * angle)
    return numerator / denominator


def _quotient_small(log_of_nome: float, index: int, parts: int) -> float:
    """Return the same quotient as theta_1/theta_4 on the imaginary axis, by the nome of l."""
    fraction = index / parts  # at most 1/2, so every exponent but the first is negative
    numerator, denominator = 0.0, 1.0
    for n in range(6):
        half = n + 0.5
        gain = -math.expm1(2.0 * half * fraction * log_of_nome)  # 2 sinh = exp gain
        numerator += (-1.0) ** n * math.exp(log_of_nome * half * (half - fraction)) * gain
        if n:
            cosine = math.exp(log_of_nome * n * (n - fraction)) * (
                1.0 + math.exp(2.0 * n * fraction * log_of_nome)
            )
            denominator += (-1.0) ** n * cosine
    return numerator / denominator
