"""What a plan says its steps do, and the hash that ties a certificate to it."""

import hashlib
import json
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from matrl.certify.checking.documents import Refuted, items, member, number, shown, text
from matrl.certify.checking.functions import Function, function_named
from matrl.certify.checking.maps import Rule

__all__ = ["Schedule", "check_schedule", "schedule_of"]

MOST_STEPS = 64
MOST_COEFFICIENTS = 100
_DIRECT = {"eigh": "", "cholesky": "inv", "svd": "polar polar-right polar-left"}
"""Direct methods, and the functions they are for where not for all."""
_NEWTON = ("newton", "newton-byers-xu", "newton-determinantal", "newton-norm")
_POLYNOMIAL = re.compile(r"(?:series|minimax|fitted)-([1-9][0-9]{0,2})", re.ASCII)
_FRACTIONS = re.compile(
    r"(zolotarev-even|zolotarev|rational-minimax|pade)-(?:[0-9]/)?([1-9])", re.ASCII
)
_HASHED_AS_FLOATS = ("coefficients", "factor", "failure_probability", "looseness")


@dataclass(frozen=True)
class Schedule:
    """The steps of a plan: none where a direct method, exact by itself, is the only one.

    The first iterate is the power 1/k of ``factor`` times an eigenvalue.
    """

    function: Function
    factor: Fraction
    relative: bool
    rules: tuple[Rule, ...]


def check_schedule(plan: Any, certificate: Any) -> str:
    """Return a sentence if the certificate is about this plan; else :class:`Refuted`."""
    if member(certificate, "kind", "the certificate") != "matrl-certificate":
        raise Refuted("the document is no certificate: its kind is not 'matrl-certificate'")
    if certificate.get("schema") != 1:
        raise Refuted(f"the certificate has the schema {shown(certificate.get('schema'))}, not 1")
    text(member(certificate, "plan_id", "the certificate"), "plan_id")
    said = text(member(certificate, "schedule_hash", "the certificate"), "schedule_hash")
    schedule_of(plan)
    if _digest(plan) != said:
        raise Refuted(
            "the plan is not the one that was certified: its function, dtype, norm, tol, scaling "
            "or steps differ"
        )
    return "the plan has the function, dtype, norm, tol, scaling and steps that were certified"


def schedule_of(plan: Any) -> Schedule:
    """Return what the steps of a plan do; :class:`Refuted` where it is not known."""
    if member(plan, "kind", "the plan") != "matrl-plan":
        raise Refuted("the document is no plan: its kind is not 'matrl-plan'")
    function = function_named(text(member(plan, "function", "the plan"), "the plan's function"))
    scaling = member(plan, "scaling", "the plan")
    kind = text(member(scaling, "kind", "the plan's scaling"), "the kind of scaling")
    factor = number(scaling.get("factor", 1.0), "the factor of the scaling")
    if factor <= 0:
        raise Refuted("the factor of the scaling is not positive")
    relative = kind != "constant"
    steps = items(member(plan, "steps", "the plan"), "the list of steps", MOST_STEPS)
    if not steps:
        raise Refuted("the plan has no steps")
    names = [
        text(member(step, "name", f"step {i}"), f"the name of step {i}")
        for i, step in enumerate(steps, 1)
    ]
    if any(name in _DIRECT for name in names):
        allowed = _DIRECT.get(names[0], "").split()
        if len(steps) > 1 or (allowed and plan["function"] not in allowed):
            raise Refuted("a direct method is not the only step, or not of this function")
        rules: tuple[Rule, ...] = ()
    else:
        rules = tuple(
            _rule(name, step.get("coefficients", ()), f"step {i} ({name})", function.root_index)
            for i, (name, step) in enumerate(zip(names, steps, strict=True), 1)
        )
    return Schedule(function, Fraction(1) if relative else factor, relative, rules)


def _rule(name: str, coefficients: Any, where: str, k: int) -> Rule:
    """Return the rule of a step, of the coefficients that are stored."""
    listed = items(coefficients, f"the coefficients of {where}", MOST_COEFFICIENTS)
    numbers = tuple(number(c, f"a coefficient of {where}") for c in listed)
    half = Fraction(1, 2)
    if match := _POLYNOMIAL.fullmatch(name):
        _expect(int(match[1]) == k * (len(numbers) - 1) + 1 and len(numbers) > 1, where, k)
        return Rule(name, False, numbers)
    if name == "newton-repair":
        _expect(k == 2 and not numbers, where, k)
        return Rule(name, True, (half, half, Fraction(0)))
    if name in _NEWTON:
        _expect(k == 2 and len(numbers) == 2 and numbers[0] != 0, where, k)
        mu, centre = numbers
        return Rule(name, True, (centre * mu / 2, centre / (2 * mu), Fraction(0)))
    match = _FRACTIONS.fullmatch(name)
    if match is None and name != "halley":
        raise Refuted(f"{where} is no step that is known here")
    family, poles = (match[1], int(match[2])) if match else (name, 1)
    fits = {"pade": k >= 2, "rational-minimax": k > 2}.get(family, k == 2)
    _expect(fits and len(numbers) == 2 * poles + 1, where, k)
    return Rule(name, True, numbers)


def _expect(fits: bool, where: str, k: int) -> None:
    if not fits:
        raise Refuted(f"{where} does not exist for k = {k}, or has not as many coefficients")


def _digest(plan: dict[str, Any]) -> str:
    """Return the hash of all of a plan that says what is computed."""
    essence = {
        "function": plan["function"],
        "dtype": plan.get("dtype"),
        "norm": plan.get("norm"),
        "tol": float(number(plan.get("tol"), "the plan's tol")),
        "scaling": _with_floats(plan["scaling"]),
        "steps": [
            _with_floats({key: value for key, value in step.items() if key != "error"})
            for step in plan["steps"]
        ],
    }
    try:
        written = json.dumps(
            essence, sort_keys=True, separators=(",", ":"), allow_nan=False
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Refuted(f"the plan cannot be hashed ({type(error).__name__})") from None
    return hashlib.sha256(written).hexdigest()


def _with_floats(entries: dict[str, Any]) -> dict[str, Any]:
    """Return entries in which 1 and 1.0 are the same, where real numbers are meant."""
    changed = dict(entries)
    for key in _HASHED_AS_FLOATS:
        value = changed.get(key)
        if isinstance(value, list | tuple):
            changed[key] = [float(number(one, key)) for one in value]
        elif value is not None:
            changed[key] = float(number(value, key))
    return changed
