"""Settings every test runs under."""

import os
import tempfile

# Before numpy is first imported: results and timings depend on the number of threads.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "2")
os.environ["MPLBACKEND"] = "Agg"
# Before JAX is: without it there is no float64, and on a CPU no search for other devices.
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

# Tests, and the processes they start, never touch the user's own cache.
_home = tempfile.TemporaryDirectory(prefix="matrl-tests-")
os.environ["MATRL_HOME"] = _home.name

from hypothesis import settings  # noqa: E402 - after the environment is set

settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci")


def pytest_unconfigure() -> None:
    _home.cleanup()
