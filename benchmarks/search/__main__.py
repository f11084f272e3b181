"""``python -m benchmarks.search --json out/search.json [--quick]``, from the root of a checkout."""

import os

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def start() -> None:
    """Fix the number of threads, then run the command."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    from benchmarks.search.command import main  # only now: NumPy reads the variables once

    main()


if __name__ == "__main__":
    start()
