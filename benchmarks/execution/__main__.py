"""``python -m benchmarks.execution --json out/execution.json``, from the root of a checkout."""

import os
import sys

from benchmarks.threads import fix_threads


def start() -> None:
    """Fix the number of threads, then run the command."""
    number = str(len(os.sched_getaffinity(0)))
    for place, word in enumerate(sys.argv):
        if word == "--threads" and place + 1 < len(sys.argv):
            number = sys.argv[place + 1]
        elif word.startswith("--threads="):
            number = word.partition("=")[2]
    fix_threads(number)
    from benchmarks.execution.command import main  # only now: NumPy reads the variables once

    main()


if __name__ == "__main__":
    start()
