"""What a timing depends on: processor, BLAS, its threads, and the versions around it."""

import hashlib
import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from matrl.backends.libraries import Library

__all__ = ["machine_description", "machine_fingerprint"]

# In the order in which OpenBLAS reads them, then other BLAS libraries.
_THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
)
# A patch release of Python changes no kernel.
_NOT_HASHED = frozenset({"python"})


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model", "cpu model")):
                return line.partition(":")[2].strip()
    except (OSError, UnicodeError):
        pass
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
            return found.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass
    return platform.processor() or platform.machine() or "unknown"


def _usable_cores() -> int:
    # Affinity says what a container or taskset leaves; only Linux tells.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _blas_threads() -> int:
    cores = _usable_cores()
    for variable in _THREAD_VARIABLES:
        value = os.environ.get(variable, "").strip()
        if value.isdigit() and int(value) > 0:
            return min(int(value), cores)
    return cores


def _blas_version() -> str:
    try:
        from scipy.__config__ import show

        blas = show(mode="dicts")["Build Dependencies"]["blas"]  # pyright: ignore
        return f"{blas['name']} {blas['version']}"
    except (ImportError, KeyError, TypeError):
        return "unknown"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def machine_description(library: Library | None = None) -> dict[str, str | int]:
    """Return what determines timings here, as text and numbers that JSON can hold.

    Keys: processor, cores (the machine's), usable_cores, blas_threads (as the environment sets
    them), blas, numpy, scipy, python, platform; and library, if the kernels of one are meant.
    """
    kernels = {} if library is None else {"library": library.version}
    return {
        **kernels,
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "usable_cores": _usable_cores(),
        "blas_threads": _blas_threads(),
        "blas": _blas_version(),
        "numpy": _version("numpy"),
        "scipy": _version("scipy"),
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}",
    }


def machine_fingerprint(library: Library | None = None) -> str:
    """Return 12 hexadecimal digits that change when timings on this machine would.

    They are of the kernels of ``library``, or of NumPy's and SciPy's if it is None.
    """
    described = {
        key: value for key, value in machine_description(library).items() if key not in _NOT_HASHED
    }
    text = json.dumps(described, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
