"""Everything that is registered, as JSON-ready data; see ``catalogue_tables`` for its tables."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.discovery.problem.norm_bounds import BOUND_FACTS
from matrl.functions import FUNCTIONS
from matrl.iterations import FORMS, UPDATES, DirectMethod, Form, Update, trace_schedule
from matrl.iterations.entries import Entry, catalogue_entries, schedule_structure
from matrl.iterations.update import Samples, some_range
from matrl.readings.count import count

__all__ = ["catalogue_document", "entry_operations", "ranges"]

SCHEMA = 1

_SAFE = "x in [l, u]; u need not be proved, for p > 0 everywhere; outside it is slower"

_DOMAINS = {
    "polynomial": "x in [l, u], u a proved bound, or 1.2 times the largest of samples; above u the "
    "sign may flip, below l it is slower",
    "rational": _SAFE,
    "product": _SAFE,
    "repair": "x near 1 after other steps, whose rounding it forgets",
    "eigenvalues": "whatever the function is defined for; for polar factors it squares the "
    "condition",
    "cholesky": "positive definite matrices",
    "singular-values": "matrices of full rank",
}
"""What an update of a kind, or a direct method of a route, may be given."""


def catalogue_document(function: str | None = None) -> dict[str, Any]:
    """Return the catalogue as JSON-ready data: functions, updates, forms, bounds and entries.

    ``function`` leaves what serves that one only, registered or made on demand. ``operations``
    of an entry are those it adds in float64 with mirrored products, by their names in price lists.
    Raises :class:`~matrl.errors.UnknownNameError` for a function there is not.

    >>> document = catalogue_document("invroot(4)")
    >>> [entry["name"] for entry in document["functions"]], document["entries"][1]["operations"]
    (['invroot-4'], {'add': 1})
    """
    chosen = tuple(FUNCTIONS) if function is None else (FUNCTIONS.get(function),)
    known = tuple(FUNCTIONS) + tuple(one for one in chosen if one.name not in FUNCTIONS)
    everything = catalogue_entries(known)
    entries = [entry for entry in everything if entry.function in chosen]
    updates, forms = tuple(UPDATES), tuple(FORMS)
    if function is not None:
        updates += UPDATES.on_demand(chosen[0].root_index)
        updates = tuple(u for u in updates if any(e.update.name == u.name for e in entries))
        forms = tuple(f for f in forms if any(e.form == f.name for e in entries))
    return {
        "schema": SCHEMA,
        "functions": [_function_data(each) for each in chosen],
        "updates": [_update_data(u, everything, known) for u in updates],
        "forms": [_form_data(f, everything) for f in forms],
        "norm_bounds": [asdict(facts) for facts in BOUND_FACTS],
        "entries": [_entry_data(entry) for entry in entries],
    }


def entry_operations(entry: Entry) -> dict[str, int]:
    """Return what a step adds to a schedule where it stands, by names of price lists.

    A first step and a direct method are schedules of their own. A later step is counted as the
    third less the second of a chain, so that the residual update it leaves undone at the end is
    made up for by the one it makes the step before do.

    >>> later = catalogue_entries([FUNCTIONS.get("invsqrt")], [UPDATES.get("zolotarev-3")])[1]
    >>> entry_operations(later)
    {'add': 8, 'inv_spd': 3, 'matmul_herm': 2}
    """
    chain = tuple(schedule_structure(entry))
    if entry.position != "later":
        return dict(sorted(_counted(entry.function, chain).items()))
    if _repeats(entry):
        chain = (*chain, chain[-1])
    added = _counted(entry.function, chain)
    added.subtract(_counted(entry.function, chain[:-1]))
    return {name: times for name, times in sorted(added.items()) if times}


def _repeats(entry: Entry) -> bool:
    assert not isinstance(entry.update, DirectMethod)
    return FORMS.get(entry.form).admits(entry.update.kind, entry.function, entry.form)


def _counted(function: MatrixFunction, chain: tuple[tuple[str, str], ...]) -> Counter[str]:
    steps = [
        StepRecord(name, form, "float64", _coefficients(UPDATES.get(name), function.root_index))
        for name, form in chain
    ]
    totals: Counter[str] = Counter()
    for (name, _), times in count(trace_schedule(function, steps, "float64")).items():
        totals[name] += times
    return totals


@lru_cache(maxsize=4096)
def _coefficients(update: Update | DirectMethod, root_index: int) -> tuple[float, ...]:
    if isinstance(update, DirectMethod):
        return ()
    samples, ends = None, some_range(root_index)  # the counts do not depend on the range
    if update.uses_samples:
        points = np.linspace(*ends, 32)
        samples = Samples(points, np.ones(32), np.full(32, 1.0 / 32))
    return tuple(update.coefficients(root_index, *ends, samples))


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _function_data(function: MatrixFunction) -> dict[str, Any]:
    return {
        "name": function.name,
        "root_index": function.root_index,
        "exponents": list(function.exponents),
        "carries": function.carries,
        "multiplicity": function.multiplicity,
        "structure": function.structure,
        "outputs": list(function.outputs),
        "description": function.description,
    }


def _update_data(
    update: Update | DirectMethod, entries: Sequence[Entry], known: Sequence[MatrixFunction]
) -> dict[str, Any]:
    functions = _unique(e.function.name for e in entries if e.update.name == update.name)
    if isinstance(update, DirectMethod):
        kind, rule, samples, pole = (
            "direct",
            f"none; by {update.route.replace('-', ' ')}",
            False,
            False,
        )
        orders: dict[str, int] = {}
        degrees: dict[str, int] = {}
        indices: list[int] = []
        domain = f"{_functions_served(functions, known, known)}; {_DOMAINS[update.route]}"
    else:
        kind, rule = update.kind, update.rule
        samples, pole = update.uses_samples, update.has_pole_at_zero
        indices = [k for k in sorted({f.root_index for f in known}) if update.supports(k)]
        orders = {str(k): update.order(k) for k in indices}
        degrees = {str(k): update.degree_for(k) for k in indices}
        possible = [f for f in known if f.root_index in indices]
        domain = f"{_functions_served(functions, possible, known)}; {_DOMAINS[kind]}"
        if pole:
            domain += "; its pole at 0 forbids polynomials after it"
    return {
        "name": update.name,
        "kind": kind,
        "rule": rule,
        "source": update.source,
        "uses_samples": samples,
        "has_pole_at_zero": pole,
        "root_indices": indices,
        "orders": orders,
        "degrees": degrees,
        "domain": domain,
        "functions": functions,
    }


def _functions_served(
    names: Sequence[str], possible: Sequence[MatrixFunction], known: Sequence[MatrixFunction]
) -> str:
    """Say which functions an update is for, short where it is for all of its root indices."""
    if len(names) == len(known):
        return "all functions"
    if [function.name for function in possible] == list(names):
        return f"root index {ranges(function.root_index for function in possible)}"
    return ", ".join(names) or "no function"


def _form_data(form: Form, entries: Sequence[Entry]) -> dict[str, Any]:
    served = [entry for entry in entries if entry.form == form.name]
    kinds = (e.update.kind for e in served if not isinstance(e.update, DirectMethod))
    return {
        "name": form.name,
        "description": form.description,
        "source": form.source,
        "needs_residual": form.needs_residual,
        "functions": _unique(entry.function.name for entry in served),
        "kinds": sorted(set(kinds)),
        "positions": sorted({entry.position for entry in served}),
    }


def _entry_data(entry: Entry) -> dict[str, Any]:
    return {
        "function": entry.function.name,
        "update": entry.update.name,
        "form": entry.form,
        "position": entry.position,
        "order": entry.order,
        "operations": entry_operations(entry),
    }


def ranges(numbers: Iterable[int]) -> str:
    """Return sorted numbers with runs of three or more abbreviated.

    >>> ranges([1, 2, 3, 4, 7, 8, 10])
    '1-4, 7, 8, 10'
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )
