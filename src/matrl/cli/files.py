"""Reading and writing files, with errors that name the file."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from matrl.core.files import replace_file
from matrl.errors import ArtifactError, InputError, MatrlError

__all__ = ["check_output", "load_array", "naming", "save_array", "save_arrays"]

_MAGIC = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"

Error = TypeVar("Error", bound=MatrlError)


def load_array(path: Path) -> np.ndarray:
    """Return the array in a .npy file, in native byte order; nothing in it is executed.

    Raises :class:`~matrl.errors.ArtifactError` for what is not one, or holds Python objects.
    """
    try:
        with open(path, "rb") as file:
            start = file.peek(len(_MAGIC))[: len(_MAGIC)]
            if start != _MAGIC:
                kind = "a .npz archive" if start.startswith(_ZIP) else "not a .npy file"
                raise ArtifactError(f"{path}: is {kind}; write one with numpy.save")
            array = np.lib.format.read_array(file, allow_pickle=False)
    except ArtifactError:
        raise  # it is a ValueError too
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be read ({error.strerror or error}); give the path of a .npy file"
        ) from None
    except (ValueError, EOFError, TypeError, SyntaxError, MemoryError, OverflowError) as error:
        if "allow_pickle" in str(error):
            raise ArtifactError(
                f"{path}: holds Python objects; save an array of float32 or float64"
            ) from None
        reason = " ".join(str(error).split())[:200]
        raise ArtifactError(f"{path}: is damaged ({reason}); write it with numpy.save") from None
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def check_output(path: Path, option: str = "--output") -> Path:
    """Return where to write, links resolved; InputError unless a file can be written there.

    To be called before the work whose result the file is for.
    """
    target = Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise InputError(f"{option}: the folder {folder} does not exist; create it first")
    if target.is_dir():
        raise InputError(f"{option}: {path} is a folder; give the name of a file")
    if target.exists() and not target.is_file():
        raise InputError(f"{option}: {path} is not a regular file; give the name of one")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{option}: the folder {folder} is not writable")
    return target


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array to exactly this path, atomically; ``OSError`` if that fails."""
    replace_file(path, lambda file: np.save(file, array, allow_pickle=False))


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as a .npz archive to exactly this path, atomically; ``OSError`` if it fails."""
    replace_file(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


@contextlib.contextmanager
def naming(argument: str, *paths: Path) -> Iterator[None]:
    """Put the name of a file where messages name an argument.

    With one path ``argument:`` becomes ``path:``; with several, ``argument[i]`` the i-th path.
    """
    try:
        yield
    except InputError as error:
        message = str(error)
        if message.startswith(f"{argument}:") and len(paths) == 1:
            message = f"{paths[0]}{message[len(argument) :]}"
        for index, path in enumerate(paths):
            prefix = f"{argument}[{index}]"
            if message.startswith(prefix):
                message = f"{path}{message[len(prefix) :].replace(prefix, 'A')}"
                break
        raise type(error)(message) from None
