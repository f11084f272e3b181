"""Files replaced in one step: whoever reads one sees the old content or the new, never a part."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

__all__ = ["replace_file", "replace_text"]


def replace_file(path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]) -> None:
    """Give a file the content that ``write`` puts into an open one; ``OSError`` if that fails.

    The old content stays if it does, or if the process is killed.
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        # mkstemp makes the file private; what is kept here is no secret.
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_text(path: str | os.PathLike[str], text: str) -> None:
    """Give a file this text, in UTF-8, as :func:`replace_file` does."""
    replace_file(path, lambda file: file.write(text.encode()))
