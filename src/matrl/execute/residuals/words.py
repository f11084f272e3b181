"""Words: products of p factors Z and q factors A that are I for Z = A^(-q/p), in a stable order.

A palindrome is Hermitian whether Z and A commute or not. Where p and q are both odd there is none,
and the word is made so that A times it is one: then I - word is self-adjoint in the inner product
of A. Among palindromes the order keeps every partial product near a small power of A, so that
evaluation errs by eps cond(A) (eps cond(A)^1.5 at worst where there is no palindrome) and not by
eps cond(A)^q.
"""

from functools import cache

__all__ = ["balanced_word", "rounding_growth"]


def rounding_growth(p: int, q: int) -> float:
    """Return how much more than that of a few products the rounding of p + q factors may be.

    Measured for n = 60 and 200, condition 10 to 1e6: up to (p + q)/6 of what is allowed for a few.

    >>> rounding_growth(2, 1), rounding_growth(64, 32)
    (1.0, 19.2)
    """
    return max(1.0, (p + q) / 5.0)


@cache
def balanced_word(p: int, q: int) -> tuple[str, bool]:
    """Return (letters "a" and "z" in the order they are applied, whether A times it is Hermitian).

    >>> balanced_word(2, 1), balanced_word(1, 1), balanced_word(3, 2)
    (('zaz', False), ('az', True), ('zazaz', False))
    """
    weighted = p % 2 == 1 and q % 2 == 1
    counts = {"z": p, "a": q + 1 if weighted else q}
    centre = "z" if counts["z"] % 2 else "a"
    counts[centre] -= 1
    left = {letter: count // 2 for letter, count in counts.items()}
    step = {"z": -q / p, "a": 1.0}
    half, exponent = "", 0.0
    while any(left.values()):
        if weighted and not half:
            letter = "a"
        else:
            letter = min(
                (letter for letter, count in left.items() if count),
                key=lambda letter: abs(exponent + step[letter]),
            )
        half, exponent = half + letter, exponent + step[letter]
        left[letter] -= 1
    palindrome = half + centre + half[::-1]
    return (palindrome[:-1] if weighted else palindrome), weighted
