"""What a plan is, as data, and its JSON form."""

import hashlib
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from matrl.core.files import replace_text
from matrl.core.measure import Norm
from matrl.core.precision import Dtype, Precision, is_complex, is_half
from matrl.errors import ArtifactError

__all__ = ["Domain", "PlanRecord", "Prediction", "Provenance", "Scaling", "StepRecord"]

SCHEMA = 1
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Domain:
    """The spectra a plan is for: eigenvalues in [lower, upper].

    Of a Hermitian matrix whose sign is asked for their moduli are meant, of a rectangular one its
    singular values. ``lower`` is 0 only for roots and positive powers in a normwise measure.
    ``relative``: they are meant after the plan's scaling. ``proved``: the upper end is a proved
    bound at run time. Where it is not, maps are safe up to 1.2 times it: positive, and in the end
    not far above 1; accurate they are on the samples.
    ``has_zero``: the eigenvalue 0 belongs to it too, apart from the interval, in every measure.
    """

    lower: float
    upper: float
    relative: bool
    proved: bool
    kind: Literal["interval", "samples", "matrices"] = "interval"
    has_zero: bool = False

    @property
    def includes_zero(self) -> bool:
        """Whether a zero eigenvalue is in it, by itself or as the end of the interval."""
        return self.has_zero or self.lower == 0.0


@dataclass(frozen=True)
class Scaling:
    """How a matrix is normalised before the first step.

    ``constant``: multiplied by ``factor``, an exact power of two. The other kinds divide by an
    upper bound on the 2-norm: ``frobenius``; ``one-norm``, (||A||_1 ||A||_inf)^(1/2);
    ``gershgorin``, of Hermitian matrices; ``lanczos``, the largest Ritz value after ``steps``
    Lanczos steps over ``factor``, which fails with the probability ``failure_probability`` (for
    sign and polar factor the square root of that of A* A).
    """

    kind: Literal["constant", "frobenius", "one-norm", "gershgorin", "lanczos"]
    factor: float = 1.0
    failure_probability: float = 0.0
    steps: int = 0
    looseness: float = 1.0
    """Median of bound over norm among the matrices the plan was made for."""


@dataclass(frozen=True)
class StepRecord:
    """One step of a schedule.

    ``name`` is the update (or direct method), ``form`` how it is carried out, ``precision`` the
    dtype it works in, ``coefficients`` those of the update, ``product`` how the carried matrix is
    multiplied, and ``error`` the error in the plan's measure if the schedule ended after the step,
    in exact arithmetic. In a weighted measure that of a step before the last is seen at 256 points
    (the samples) only, and may be too low.
    """

    name: str
    form: str
    precision: Precision
    coefficients: tuple[float, ...] = ()
    product: Literal["mirrored", "averaged"] = "mirrored"
    error: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """What discovery expects of a plan: worst error, rounding level, cost, and whose prices."""

    error: float
    rounding: float
    cost: float
    profile: str


@dataclass(frozen=True)
class Provenance:
    """How a plan came about."""

    version: str = ""
    seed: int = 0
    nodes: int = 0
    search_seconds: float = 0.0
    optimal: bool = False
    """Whether the search proved that no cheaper schedule of its actions exists.

    Of coefficients made by the rules, that is: never of a plan refined after the search.
    """
    measured_error: float | None = None
    """Largest error on the matrices of the race."""
    measured_seconds: float | None = None
    """Median time of a run on one batch there."""
    predicted_over_measured: float | None = None
    """How far the predicted time was off."""
    matrices: tuple[str, ...] = ()
    """Fingerprints of the matrices it was found on, which can judge it no more."""


Record = TypeVar("Record", bound="PlanRecord")


@dataclass(frozen=True)
class PlanRecord:
    """An algorithm for one matrix function on one domain of spectra, immutable and portable."""

    function: str
    dtype: Dtype
    shape: tuple[int, int]
    tol: float
    norm: Norm
    domain: Domain
    scaling: Scaling
    steps: tuple[StepRecord, ...]
    predicted: Prediction
    batch: int = 1
    provenance: Provenance = Provenance()

    @property
    def id(self) -> str:
        """A short hash of what a plan computes and is judged by, the shape left aside."""
        asked = (self.function, self.dtype, self.tol, self.norm)
        essence = (*asked, self.domain, self.scaling, self.steps)
        return hashlib.sha256(repr(essence).encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """Return the plan as a JSON document with its ``schema`` number."""
        document = {"schema": SCHEMA, "kind": "matrl-plan", **asdict(self)}
        return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()

    @classmethod
    def from_json(cls: type[Record], text: str | bytes, source: str = "plan") -> Record:
        """Return the plan of a JSON document.

        Raises :class:`~matrl.errors.ArtifactError` naming ``source`` for anything else.
        """
        document = _decoded(text, source)
        names = {field.name for field in fields(PlanRecord)}
        try:
            record = msgspec.convert(
                {key: value for key, value in document.items() if key in names}, cls
            )
        except msgspec.ValidationError as error:
            raise ArtifactError(f"{source}: is not a valid plan: {error}") from None
        record._check(source)
        return record

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a JSON file, atomically; ``OSError`` if the folder is not writable."""
        replace_text(path, self.to_json() + "\n")

    @classmethod
    def load(cls: type[Record], path: str | os.PathLike[str]) -> Record:
        """Return the plan in a JSON file; :class:`~matrl.errors.ArtifactError` if it is none."""
        try:
            size = os.path.getsize(path)
            text = Path(path).read_bytes() if size <= MAX_BYTES else b""
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ArtifactError(
                f"{path}: cannot be read ({reason}); give the path of a plan.json"
            ) from None
        if size > MAX_BYTES:
            raise ArtifactError(f"{path}: has {size} bytes, too large for a plan")
        return cls.from_json(text, str(path))

    def _may_reach_zero(self) -> bool:
        return self.domain.lower == 0.0 and self.norm != "eigenvalue"

    def _check(self, source: str) -> None:
        numbers = [
            self.tol,
            self.domain.lower,
            self.domain.upper,
            self.scaling.factor,
            *(c for step in self.steps for c in (*step.coefficients, step.error)),
        ]
        problem = ""
        if not all(math.isfinite(number) for number in numbers):
            problem = "holds a number that is not finite"
        elif not (self.domain.lower > 0.0 or self._may_reach_zero()):
            problem = (
                "its domain must satisfy 0 < lower <= upper (lower = 0 is for roots and positive "
                "powers in a normwise measure)"
            )
        elif self.domain.has_zero and (self.domain.relative or self.domain.lower == 0.0):
            problem = "domain.has_zero is for absolute domains with lower > 0"
        elif not self.domain.lower <= self.domain.upper or not self.domain.upper > 0.0:
            problem = "its domain must satisfy lower <= upper and upper > 0"
        elif not self.scaling.factor > 0.0 or not self.tol > 0.0:
            problem = "scaling.factor and tol must be positive"
        elif self.scaling.kind == "lanczos" and self.scaling.steps < 1:
            problem = "scaling by lanczos needs steps >= 1"
        elif not self.steps:
            problem = "has no steps"
        elif is_complex(self.dtype) and any(is_half(step.precision) for step in self.steps):
            problem = "steps in bfloat16 and float16 are for real matrices"
        elif min(self.shape) < 1 or self.batch < 1:
            problem = "shape and batch must be positive"
        if problem:
            raise ArtifactError(f"{source}: is not a valid plan: {problem}")


def _decoded(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArtifactError(f"{source}: is not JSON ({error})") from None
    if not isinstance(document, dict) or document.get("kind") != "matrl-plan":
        raise ArtifactError(f"{source}: is JSON, but not a matrl plan; make one with discover")
    if document.get("schema") != SCHEMA:
        raise ArtifactError(
            f"{source}: has plan schema {document.get('schema')!r}; this version of matrl reads "
            f"schema {SCHEMA}, so update matrl or discover the plan anew"
        )
    return document
