"""``python -m benchmarks.search --json out/search.json [--quick]``, from the root of a checkout."""

from benchmarks.threads import fix_threads


def start() -> None:
    """Fix the number of threads, then run the command."""
    fix_threads("1")
    from benchmarks.search.command import main  # only now: NumPy reads the variables once

    main()


if __name__ == "__main__":
    start()
