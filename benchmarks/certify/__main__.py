"""``python -m benchmarks.certify --json out/certify.json``, from the root of a checkout."""

from benchmarks.threads import fix_threads


def start() -> None:
    """Fix the number of threads, then run the command."""
    fix_threads("1")
    from benchmarks.certify.command import main  # only now: NumPy reads the variables once

    main()


if __name__ == "__main__":
    start()
