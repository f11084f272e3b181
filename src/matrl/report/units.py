"""Numbers and names as people read them."""

import math

__all__ = ["in_engineering_units", "plain", "significant"]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def in_engineering_units(seconds: float) -> str:
    """Return seconds with three digits and a unit.

    >>> in_engineering_units(0.0012345), in_engineering_units(75.2), in_engineering_units(0)
    ('1.23 ms', '75.2 s', '0 s')
    """
    if seconds == 0.0 or not math.isfinite(seconds):
        return f"{seconds:g} s"
    # 0.9995 is where three digits round up to 1.
    fitting = [(size, unit) for size, unit in _UNITS if abs(seconds) >= 0.9995 * size]
    size, unit = fitting[0] if fitting else _UNITS[-1]
    scaled = seconds / size
    return f"{scaled:.0f} {unit}" if abs(scaled) >= 999.5 else f"{scaled:.3g} {unit}"


def significant(number: float | None) -> str:
    """Return three significant digits, or a dash where there is no number.

    >>> significant(1.23456e-7), significant(None)
    ('1.23e-07', '-')
    """
    return "-" if number is None else f"{number:.3g}"


def plain(text: str) -> str:
    r"""Return text from a file with its control characters escaped, safe for a terminal.

    >>> plain("a\x1b[31m")
    'a\\x1b[31m'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
