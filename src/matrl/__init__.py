"""matrl discovers, certifies and runs fast iterative algorithms for matrix functions.

>>> import numpy as np, matrl
>>> a = np.diag([1.0, 4.0, 100.0])
>>> problem = matrl.Problem("invsqrt", matrl.Spectrum.of(a), tol=1e-8)
>>> solution = matrl.discover(problem, time_limit=5).plan.run(a)
>>> bool(np.allclose(solution.value, np.diag([1, 0.5, 0.1]), rtol=1e-7)), str(solution.status)
(True, 'converged')
"""

from matrl.core.solution import Solution
from matrl.core.spectrum import Spectrum
from matrl.discovery import Found, Problem, discover
from matrl.errors import MatrlError
from matrl.plan import Plan
from matrl.profile import Profile
from matrl.version import __version__

__all__ = [
    "Found",
    "MatrlError",
    "Plan",
    "Problem",
    "Profile",
    "Solution",
    "Spectrum",
    "__version__",
    "discover",
]
