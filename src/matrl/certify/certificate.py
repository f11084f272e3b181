"""Certificates: what is known of a plan's error, in up to three statements that are never mixed."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matrl.certify.exact.balls import flint_version
from matrl.certify.exact.worst_case import WorstCaseStatement
from matrl.certify.observed.statistical import StatisticalStatement
from matrl.certify.rounded.rounding import RoundingStatement
from matrl.core.files import replace_text
from matrl.core.plan import PlanRecord
from matrl.errors import ArtifactError
from matrl.version import __version__

__all__ = ["Certificate", "certificate_path", "load_document", "schedule_hash"]

SCHEMA = 1
MAX_BYTES = 16 * 1024 * 1024


def schedule_hash(plan: PlanRecord) -> str:
    """Return the SHA-256 of what a plan computes, and is judged by, coefficients included.

    That are its function, dtype, norm, tol, scaling and steps; not its domain, which the statements
    name themselves.

    Of the JSON text with sorted keys, no blanks and the shortest decimal digits that give the same
    float64 numbers; predictions are left out, the error after each step among them.
    """
    steps = [asdict(step) for step in plan.steps]
    for step in steps:
        del step["error"]
        step["coefficients"] = [float(c) for c in step["coefficients"]]
    scaling = asdict(plan.scaling)
    for name in ("factor", "failure_probability", "looseness"):
        scaling[name] = float(scaling[name])
    essence = {
        "function": plan.function,
        "dtype": plan.dtype,
        "norm": plan.norm,
        "tol": float(plan.tol),
        "scaling": scaling,
        "steps": steps,
    }
    text = json.dumps(essence, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def certificate_path(plan: str | os.PathLike[str]) -> Path:
    """Return where the certificate of a plan file is kept: beside it.

    >>> print(certificate_path("plans/a.json"))
    plans/a.certificate.json
    """
    path = Path(plan)
    return path.with_name(f"{path.name.removesuffix('.json')}.certificate.json")


@dataclass(frozen=True)
class Certificate:
    """What is known of the error of the plan with this id and this hash of its schedule.

    ``worst_case`` is about exact arithmetic and every matrix of a domain, ``rounding`` about what
    rounding adds to that, ``statistical`` about matrices drawn like those that were held out,
    rounding included. Each is ``None`` where it was
    not asked for. ``versions`` are of what made the certificate.
    """

    plan_id: str
    schedule_hash: str
    versions: tuple[tuple[str, str], ...]
    worst_case: WorstCaseStatement | None = None
    rounding: RoundingStatement | None = None
    statistical: StatisticalStatement | None = None

    @classmethod
    def of(cls, plan: PlanRecord, **statements: Any) -> "Certificate":
        """Return the certificate of a plan with these statements."""
        versions = [("matrl", __version__), ("numpy", np.__version__)]
        flint = flint_version()
        if flint is not None:
            versions.append(("python-flint", flint))
        return cls(plan.id, schedule_hash(plan), tuple(versions), **statements)

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as JSON-ready data."""
        rounding, statistical = self.rounding, self.statistical
        return {
            "schema": SCHEMA,
            "kind": "matrl-certificate",
            "plan_id": self.plan_id,
            "schedule_hash": self.schedule_hash,
            "versions": dict(self.versions),
            "worst_case": None if self.worst_case is None else self.worst_case.to_dict(),
            "rounding": None if rounding is None else rounding.to_dict(),
            "statistical": None if statistical is None else statistical.to_dict(),
        }

    def to_json(self) -> str:
        """Return the certificate as a JSON document."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate to a JSON file, atomically; ``OSError`` if that fails."""
        replace_text(path, self.to_json() + "\n")


def load_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the JSON object in a file, as data.

    Nothing but its size, at most 16 MiB, is checked: that is for who verifies it. Raises
    :class:`~matrl.errors.ArtifactError` where there is none.
    """
    try:
        if os.path.getsize(path) > MAX_BYTES:
            raise ArtifactError(f"{path}: is too large; give a plan or a certificate")
        document = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be read ({error.strerror or error}); give the path of a JSON file"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise ArtifactError(f"{path}: is JSON, but no object; give a plan or a certificate")
    return document
