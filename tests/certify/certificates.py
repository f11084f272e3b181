"""Plans and certificates made by hand, with extremes known in closed form."""

import hashlib
import json
import math
from fractions import Fraction
from typing import Any

from matrl.certify import certify_statistically
from matrl.certify.checker import Finding, check_certificate

NEWTON_SCHULZ = ("series-3", (1.5, -0.5))
QUINTIC = ("series-5", (1.875, -1.25, 0.375))


def down(value: Fraction | float) -> float:
    """Return the float64 next below: what a proof of a lower end may be rounded to."""
    return math.nextafter(float(value), -math.inf)


def up(value: Fraction | float) -> float:
    return math.nextafter(float(value), math.inf)


def plan_of(function: str, *steps: tuple[str, tuple[float, ...]], **scaling: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "matrl-plan",
        "function": function,
        "scaling": {"kind": "constant", "factor": 1.0, "steps": 0, **scaling},
        "dtype": "float64",
        "norm": "eigenvalue",
        "tol": 1e-3,
        "steps": [
            {
                "name": name,
                "form": "coupled",
                "precision": "float64",
                "coefficients": list(coefficients),
                "product": "mirrored",
                "error": 0.25,
            }
            for name, coefficients in steps
        ],
    }


def hash_of(plan: dict[str, Any]) -> str:
    essence = {
        **{name: plan[name] for name in ("function", "dtype", "norm")},
        "tol": float(plan["tol"]),
        "scaling": plan["scaling"],
        "steps": [{k: v for k, v in step.items() if k != "error"} for step in plan["steps"]],
    }
    return hashlib.sha256(
        json.dumps(essence, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def certificate_of(
    plan: dict[str, Any],
    domain: list[list[float]],
    ranges: list[list[list[float]]],
    bound: float,
    norm: str = "eigenvalue",
    safety: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "matrl-certificate",
        "plan_id": "0123456789ab",
        "schedule_hash": hash_of(plan),
        "versions": {},
        "worst_case": {
            "claim": "",
            "bound": bound,
            "norm": norm,
            "domain": domain,
            "relative": plan["scaling"]["kind"] != "constant",
            "method": "",
            "ranges": ranges,
            "safety": safety,
        },
        "rounding": None,
        "statistical": None,
    }


def found(plan: Any, certificate: Any) -> dict[str, Finding]:
    return {one.statement: one for one in check_certificate(plan, certificate)}


def status(plan: Any, certificate: Any, statement: str = "worst_case") -> str:
    return found(plan, certificate)[statement].status


def quintic(x: Fraction) -> Fraction:
    return x * (15 - 10 * x**2 + 3 * x**4) / 8


def two_steps(first: Any = NEWTON_SCHULZ, second: Any = QUINTIC) -> tuple[Any, Any]:
    """Return Newton-Schulz, then its next order, for invsqrt on [1/4, 1], where both increase."""
    plan = plan_of("invsqrt", first, second)
    last = down(quintic(Fraction(11, 16)))
    ranges = [[[0.5, 1.0]], [[0.6875, 1.0]], [[last, 1.0]]]
    return plan, certificate_of(plan, [[0.25, 1.0]], ranges, up(1 - Fraction(last)))


def statistical(count: int = 500, failures: int = 3, confidence: float = 0.99) -> dict[str, Any]:
    errors = [0.5] * (count - failures) + [2.0] * failures
    said = certify_statistically(
        errors, tol=1.0, norm="spectral", plan_id="0123456789ab", confidence=confidence
    )
    return said.to_dict()
