"""The schedules whose rounding errors are compared with their bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

from matrl.core.measure import Norm
from matrl.core.plan import Domain, PlanRecord, Prediction, Scaling, StepRecord
from matrl.core.precision import precision_of
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod
from matrl.readings.scalar import image

__all__ = ["SCHEDULES", "Schedule"]

CONVERGED = 1e-3
"""Error of x in exact arithmetic at which no further step is taken."""
MOST_STEPS = 16


@dataclass(frozen=True)
class Schedule:
    """A chain of (update, form), the last one repeated, for eigenvalues in [1/kappa, 1].

    ``halves`` are the precisions of the first steps, the others being those of ``dtype``.
    """

    function: str
    chain: tuple[tuple[str, str], ...]
    kappa: float = 100.0
    dtype: str = "float32"
    halves: tuple[str, ...] = ()
    product: str = "mirrored"
    norm: Norm = "eigenvalue"

    @property
    def form(self) -> str:
        """Name of the last form, with what sets it apart."""
        marks = [self.dtype] * (self.dtype != "float32") + list(self.halves[:1])
        marks += [self.norm] * (self.norm != "eigenvalue")
        marks += [self.product] * (self.product != "mirrored")
        return " ".join([self.chain[-1][1], self.chain[0][0], f"{self.kappa:g}", *marks])

    def plan(self, n: int) -> PlanRecord:
        """Return the plan for order n; of polar factors of 2n x n matrices."""
        function = FUNCTIONS.get(self.function)
        k = function.root_index
        lower, upper = 1.0 / self.kappa, 1.0
        if function.carries != "x":
            lower **= 1.0 / k
        steps: list[StepRecord] = []
        while len(steps) < MOST_STEPS:
            name, form = self.chain[min(len(steps), len(self.chain) - 1)]
            precision = (self.halves[len(steps) :] or (precision_of(self.dtype),))[0]
            update = UPDATES.get(name)
            if isinstance(update, DirectMethod):
                steps.append(StepRecord(name, form, precision_of(self.dtype)))
                break
            coefficients = tuple(update.coefficients(k, lower, upper))
            steps.append(StepRecord(name, form, precision, coefficients, self.product))  # type: ignore[arg-type]
            lower, upper = image(update, k, coefficients, lower, upper)
            if len(steps) >= len(self.chain) and max(upper - 1.0, 1.0 - lower) < CONVERGED:
                break
        rows = 2 * n if function.structure == "rectangular" else n
        return PlanRecord(
            self.function,
            self.dtype,  # type: ignore[arg-type]
            (rows, n),
            CONVERGED,
            self.norm,
            Domain(1.0 / self.kappa, 1.0, relative=False, proved=True),
            Scaling("constant"),
            tuple(steps),
            Prediction(CONVERGED, 0.0, 0.0, "none"),
        )


def _of(function: str, *chains: Sequence[str], **options: object) -> list[Schedule]:
    """Return schedules of chains written as "update form"."""
    return [
        Schedule(function, tuple((one.split()[0], one.split()[1]) for one in chain), **options)  # type: ignore[arg-type]
        for chain in chains
    ]


INVERSES = (["cholesky direct"], ["eigh direct"], ["minimax-3 zm"])
SCHEDULES = (
    *_of("inv", *INVERSES, kappa=10.0),
    *_of("inv", ["minimax-4 zm", "series-3 anchored"]),
    *_of("inv", ["minimax-2 zm", "series-3 anchored"], halves=("bfloat16",), kappa=4.0),
    *_of("inv", ["minimax-2 zm", "series-3 anchored"], halves=("float16",), kappa=4.0),
    *_of("inv", ["minimax-3 zm"], product="averaged"),
    *_of("sqrt", ["eigh direct"], ["minimax-5 ym"], ["minimax-5 yz"], ["newton product"]),
    *_of("sqrt", ["zolotarev-2 partial-fractions", "minimax-5 ym"]),
    *_of("invsqrt", ["eigh direct"], ["minimax-5 zm"], ["minimax-5 yz"], ["newton product"]),
    *_of("invsqrt", ["zolotarev-2 partial-fractions", "minimax-5 zm"]),
    *_of("invsqrt", ["zolotarev-2 partial-fractions", "newton-repair lyapunov"]),
    *_of("sqrt+invsqrt", ["eigh direct"], ["minimax-5 yzm"], ["minimax-5 yz"]),
    *_of("sqrt+invsqrt", ["newton product"], ["zolotarev-2 partial-fractions", "halley yzm"]),
    *_of("invroot-4", ["minimax-5 zm"], ["rational-minimax-2 partial-fractions", "minimax-5 zm"]),
    *_of("root-4", ["minimax-5 ym"]),
    *_of("sign", ["eigh direct"], ["minimax-5 chained"], ["newton chained"], kappa=10.0),
    *_of("sign", ["zolotarev-2 chained"], ["minimax-5 chained", "minimax-5 gram"], kappa=10.0),
    *_of("polar", ["svd direct"], ["minimax-5 chained"], ["newton chained"], kappa=10.0),
    *_of("polar", ["eigh direct"], ["minimax-5 chained", "minimax-5 gram"], kappa=10.0),
    *_of("polar-right", ["minimax-5 chained"], kappa=10.0),
    *_of("polar-left", ["minimax-5 chained"], kappa=10.0),
    *_of("inv", ["cholesky direct"], ["minimax-3 zm"], dtype="complex64", kappa=10.0),
    *_of("polar", ["minimax-5 chained"], dtype="complex64", kappa=10.0),
    *_of("inv", *INVERSES, dtype="float64", kappa=1e6),
    *_of("invsqrt", ["eigh direct"], ["minimax-5 zm"], dtype="float64", kappa=1e6),
    *_of("invsqrt", ["zolotarev-8 partial-fractions", "halley zm"], dtype="float64", kappa=1e6),
    *_of(
        "sqrt",
        ["minimax-5 ym"],
        ["zolotarev-8 partial-fractions", "halley ym"],
        dtype="float64",
        kappa=1e6,
    ),
    *_of("sign", ["zolotarev-2 chained"], dtype="float64", kappa=1e2),
    *_of("sqrt", ["minimax-5 ym"], norm="spectral"),
    *_of("sqrt", ["minimax-5 ym"], norm="residual"),
    *_of("invsqrt", ["minimax-5 zm"], norm="frobenius"),
    *_of("invsqrt", ["minimax-5 zm"], norm="residual"),
    *_of("polar", ["minimax-5 chained"], norm="residual", kappa=10.0),
)
