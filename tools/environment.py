"""Make the project's virtual environment: ``python tools/environment.py demo|test|lint ...``.

The Makefile calls this with the interpreter it was given. Each part installs the project in
editable mode with one extra; parts build on one another, and a finished part leaves a stamp in
``.venv/.stamps``, so a second call returns at once. A stamp records what the part was made from
(project metadata, pins, interpreter, folder): when one of those changes, the part is installed
again. Only the standard library is used.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(".venv")
STAMPS = VENV / ".stamps"
BUSY = STAMPS / "installing"
PYTHON = VENV / "bin" / "python"
PINS = ("constraints.txt", "constraints-torch.txt")
PARTS = {
    "demo": ("demo",),
    "test": ("demo", "jax", "ray", "test"),
    "lint": ("demo", "jax", "ray", "test", "lint"),
}
TORCH = "2.13.0"
# Packages that only the builds of PyTorch for graphics processors bring along.
GPU_PREFIXES = ("nvidia-", "cuda", "triton")


class SetupError(Exception):
    """A part could not be installed; the message says what to do."""


def say(message: str) -> None:
    """Print one line, at once."""
    print(message, flush=True)


def base_python(named: str) -> Path:
    """Return the interpreter to make the environment with, by default the one named.

    In an activated ``.venv`` the interpreter running this is the one about to be replaced, so take
    the one it was made from.
    """
    if Path(sys.prefix).resolve() == (ROOT / VENV).resolve():
        return Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return Path(shutil.which(named) or sys.executable)


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Wait for any other run of this script on the same folder to end."""
    with open("pyproject.toml", "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another installation into .venv to end ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fingerprint(*more: str) -> str:
    """Return a digest of everything an installed part depends on."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    metadata = {
        "project": project["project"],
        "build-system": project["build-system"],
        "setuptools": project.get("tool", {}).get("setuptools"),
    }
    digest = hashlib.sha256(json.dumps([metadata, *more], sort_keys=True).encode())
    for name in (*PINS, __file__):
        digest.update(Path(name).read_bytes())
    return digest.hexdigest()


def read_stamp(name: str) -> str:
    """Return the text of a stamp, or an empty string."""
    try:
        return (STAMPS / name).read_text(encoding="utf-8")
    except OSError:
        return ""


def write_stamp(name: str, text: str) -> None:
    """Write a stamp so that it is either whole or absent."""
    STAMPS.mkdir(exist_ok=True)
    draft = STAMPS / f"{name}.part"
    draft.write_text(text, encoding="utf-8")
    draft.replace(STAMPS / name)


def pip(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the environment's pip under the user's configuration plus the project's pins."""
    pins = " ".join([os.environ.get("PIP_CONSTRAINT", ""), "constraints.txt"]).strip()
    build_pins = " ".join([os.environ.get("PIP_BUILD_CONSTRAINT", ""), "constraints.txt"]).strip()
    return subprocess.run(
        [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments],
        env=os.environ | {"PIP_CONSTRAINT": pins, "PIP_BUILD_CONSTRAINT": build_pins},
        text=True,
        capture_output=capture,
        check=False,
    )


def install(*arguments: str) -> bool:
    """Install from wheels only and say whether it worked.

    While pip runs, a marker file stands in the environment. If the run is killed the marker stays,
    and the next call makes the environment anew instead of trusting half-written packages.
    """
    STAMPS.mkdir(exist_ok=True)
    BUSY.touch()
    done = pip("install", "--quiet", "--only-binary", ":all:", *arguments).returncode == 0
    BUSY.unlink(missing_ok=True)
    return done


def ensure_venv(named: str, *, same_python: bool) -> str:
    """Make ``.venv`` unless a usable one is there; return the version of its Python."""
    base = base_python(named)
    wanted = {"folder": str(ROOT), "python": f"{sys.base_prefix} {sys.version}"}
    stamp = read_stamp("venv")
    if stamp and not BUSY.exists():
        found = json.loads(stamp)
        fits = found["folder"] == wanted["folder"]
        fits = fits and (not same_python or found["python"] == wanted["python"])
        if fits:
            probe = subprocess.run(
                [PYTHON, "-c", "import pip, platform; print(platform.python_version())"],
                capture_output=True,
                text=True,
                check=False,
            )
            if probe.returncode == 0:
                return probe.stdout.strip()
    probe = subprocess.run([base, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    if probe.returncode != 0:
        raise SetupError(
            f"{base} cannot make virtual environments: its ensurepip module is missing.\n"
            "On Debian and Ubuntu: apt install python3-venv"
        )
    say(f"making .venv with {base}")
    if VENV.is_symlink() or VENV.is_file():
        raise SetupError(".venv is a file or a link: remove it and try again.")
    if VENV.exists():
        shutil.rmtree(VENV)
    if subprocess.run([base, "-m", "venv", VENV], check=False).returncode != 0:
        raise SetupError(
            f"{base} -m venv .venv failed.\nOn Debian and Ubuntu: apt install python3-venv"
        )
    write_stamp("venv", json.dumps(wanted))
    version = subprocess.run(
        [PYTHON, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    )
    return version.stdout.strip()


def ensure_part(part: str, version: str) -> None:
    """Install the project with the extras of one part, unless that is done."""
    extras = ",".join(PARTS[part])
    mark = fingerprint(version, extras)
    if read_stamp(part) == mark:
        return
    say(f"installing matrl[{extras}] into .venv")
    (STAMPS / part).unlink(missing_ok=True)
    if not install("--constraint", "constraints.txt", "--editable", f".[{extras}]"):
        raise SetupError(f"installing matrl[{extras}] failed: see pip's message above.")
    write_stamp(part, mark)


def cpu_torch_obstacle() -> str:
    """Return why the pinned PyTorch cannot be had as a CPU wheel, or an empty string."""
    quick = ("--retries", "1", "--timeout", "30")
    # The index page first: resolving a GPU build can mean downloading gigabytes.
    page = pip("index", "versions", "torch", "--only-binary", ":all:", *quick, capture=True)
    listed = {
        word.strip()
        for line in page.stdout.splitlines()
        if line.startswith("Available versions:")
        for word in line.partition(":")[2].split(",")
    }
    offered = {word for word in listed if word.partition("+")[0] == TORCH}
    if not offered:
        return f"the configured package index has no wheel of torch {TORCH} for this Python"
    if sys.platform == "linux" and f"{TORCH}+cpu" not in offered:
        return f"the configured package index has no CPU wheel of torch {TORCH}"
    pins = [word for name in PINS for word in ("--constraint", name)]
    plan = pip(
        "install", "--only-binary", ":all:", "--dry-run", "--quiet", "--report", "-",
        *quick, *pins, f"torch=={TORCH}", capture=True,
    )  # fmt: skip
    if plan.returncode != 0:
        return f"torch {TORCH} does not resolve: {plan.stderr.strip().splitlines()[-1:]}"
    items = json.loads(plan.stdout[plan.stdout.index("{") :])["install"]
    names = {str(item["metadata"]["name"]).lower() for item in items}
    extra = sorted(name for name in names if name.startswith(GPU_PREFIXES))
    if extra:
        return f"the configured package index offers a GPU build of torch {TORCH} ({extra[0]} ...)"
    return ""


def ensure_torch(version: str) -> None:
    """Install PyTorch if a CPU wheel is on offer; otherwise say that its tests are skipped."""
    environment = sorted(item for item in os.environ.items() if item[0].startswith("PIP_"))
    settings = pip("config", "list", capture=True).stdout
    mark = fingerprint(version, settings, json.dumps(environment))
    known, _, obstacle = read_stamp("torch").partition("\n")
    if known != mark:
        (STAMPS / "torch").unlink(missing_ok=True)
        obstacle = cpu_torch_obstacle()
        if not obstacle:
            say(f"installing torch {TORCH} (CPU) into .venv")
            pins = [word for name in PINS for word in ("--constraint", name)]
            if not install(*pins, f"torch=={TORCH}"):
                obstacle = f"installing torch {TORCH} failed (see pip's message above)"
        # Only a definite answer is worth remembering; a failure may pass.
        if not obstacle or obstacle.startswith("the configured"):
            write_stamp("torch", f"{mark}\n{obstacle}")
    if obstacle:
        say(f"torch tests will be skipped: {obstacle}.")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make the project's virtual environment.")
    parser.add_argument("parts", nargs="+", choices=[*PARTS, "torch"], metavar="part")
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="the command running this, to make .venv with (default: %(default)s)",
    )
    parser.add_argument(
        "--same-python",
        action="store_true",
        help="make .venv anew if it was made with another Python than the one running this",
    )
    options = parser.parse_args()
    os.chdir(ROOT)
    try:
        with only_one_at_a_time():
            version = ensure_venv(options.python, same_python=options.same_python)
            for part in options.parts:
                if part == "torch":
                    ensure_torch(version)
                else:
                    ensure_part(part, version)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
