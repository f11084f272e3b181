"""Figures, drawn by Matplotlib where it is installed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matrl.errors import InputError, MissingExtraError

__all__ = ["spectrum_and_errors"]

_GRID = {"which": "major", "color": "0.9", "linewidth": 0.7}
_ACCENT = "#1f4e79"
_TOLERANCE = "#c0392b"
_FLOOR = 1e-18
"""Errors below this are drawn here: a logarithmic axis has no zero."""


def spectrum_and_errors(
    eigenvalues: np.ndarray,
    step_errors: list[tuple[str, np.ndarray]],
    tol: float,
    path: Path,
) -> None:
    """Save a PNG of a spectrum and of what each step of a schedule does to it.

    On the left, the sorted ``eigenvalues``; on the right, |x - 1| at each eigenvalue after each
    step, ``step_errors`` being pairs (name, one error an eigenvalue), with ``tol`` as a line.
    Raises :class:`~matrl.errors.MissingExtraError` without Matplotlib, ``OSError`` if the file
    cannot be written.
    """
    values = np.asarray(eigenvalues, dtype=np.float64).ravel()
    errors = [(name, np.asarray(e, dtype=np.float64).ravel()) for name, e in step_errors]
    if values.size == 0 or not np.all(values > 0.0):
        raise InputError("eigenvalues: must be positive, and at least one")
    if any(e.shape != values.shape for _, e in errors):
        raise InputError("step_errors: each step needs one error for every eigenvalue")
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "figures: need Matplotlib; install it with pip install 'matrl[figures]'"
        ) from None
    order = np.argsort(values)
    with mpl.rc_context({"font.size": 10, "axes.titlesize": 11, "axes.titleweight": "bold"}):
        figure = Figure(figsize=(11.0, 4.4), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.45))
        _draw_spectrum(left, values[order])
        _draw_errors(right, values[order], [(name, e[order]) for name, e in errors], tol)
        figure.savefig(path, format="png", dpi=150)


def _draw_spectrum(axes, values: np.ndarray) -> None:
    index = np.arange(1, len(values) + 1)
    few = len(values) <= 60
    axes.fill_between(index, values, values.min(), color=_ACCENT, alpha=0.10, linewidth=0)
    axes.plot(
        index, values, color=_ACCENT, linewidth=1.8, marker="o" if few else None, markersize=3.5
    )
    axes.set_yscale("log")
    axes.set_title("Spectrum", loc="left")
    axes.set_xlabel("index, from the smallest")
    axes.set_ylabel("eigenvalue")
    condition = values[-1] / values[0]
    axes.annotate(
        f"n = {len(values)}\ncondition {condition:.2g}",
        (0.04, 0.95),
        xycoords="axes fraction",
        va="top",
        color="0.3",
    )
    _tidy(axes)


def _draw_errors(
    axes,
    values: np.ndarray,
    errors: Sequence[tuple[str, np.ndarray]],
    tol: float,
) -> None:
    import matplotlib as mpl

    # From light to dark, as the error goes down; the lightest end is left out.
    shades = mpl.colormaps["viridis_r"](np.linspace(0.12, 0.95, max(len(errors), 2)))
    few = len(values) <= 60
    for number, ((name, error), shade) in enumerate(zip(errors, shades, strict=False), 1):
        axes.plot(
            values,
            np.maximum(error, _FLOOR),
            color=shade,
            linewidth=1.5,
            marker="o" if few else None,
            markersize=3.0,
            label=f"{number}  {name}",
        )
    axes.axhline(tol, color=_TOLERANCE, linewidth=1.2, linestyle=(0, (5, 3)), label=f"tol {tol:g}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    # An error may vanish at an eigenvalue; that is not worth ten decades of the axis.
    lowest = min((float(error.max()) for _, error in errors), default=tol)
    axes.set_ylim(bottom=max(_FLOOR, 1e-3 * min(tol, lowest)))
    axes.set_title("Error after each step", loc="left")
    axes.set_xlabel("eigenvalue")
    axes.set_ylabel("|x - 1|")
    axes.legend(
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        title="after step",
        alignment="left",
    )
    _tidy(axes)


def _tidy(axes) -> None:
    axes.grid(**_GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
