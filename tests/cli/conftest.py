import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from matrl.cli import cli

PRICES = {"matmul": 2.0, "matmul_herm": 1.2, "inv_spd": 2.0, "eigh": 20.0, "add": 0.1}
N = 64

Invoke = Callable[..., Result]


def matrix(smallest: float = 0.02, largest: float = 0.9, n: int = N) -> np.ndarray:
    random = np.random.default_rng(7)
    vectors, _ = np.linalg.qr(random.standard_normal((n, n)))
    a = (vectors * np.geomspace(smallest, largest, n)) @ vectors.T
    return 0.5 * (a + a.T)


def with_entry(a: np.ndarray, value: float) -> np.ndarray:
    changed = a.copy()
    changed[0, 1] = value
    return changed


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of inputs, good and bad, with a profile and a plan. Not to be written to."""
    folder = tmp_path_factory.mktemp("inputs")
    a = matrix()
    arrays = {
        "good": a,
        "other": matrix(0.03, 0.8),
        "single": a.astype(np.float32),
        "swapped": a.astype(">f8"),
        "stack": np.stack([a, 3.0 * np.eye(N), 0.9 * a]),
        "calm": np.stack([a, 0.9 * a]),
        "singular": np.append(np.geomspace(0.02, 1.0, 30), np.zeros(30)),
        "samples": np.geomspace(0.02, 1.0, 30),
        "rectangle": a[:10],
        "integer": np.eye(N, dtype=np.int64),
        "complex": a * 1j,
        "nan": with_entry(a, np.nan),
        "lopsided": with_entry(a, 5.0),
        "indefinite": a - 0.5 * np.eye(N),
        "large": 4.0 * a,
        "vector": np.ones(4),
        "empty": np.zeros((0, 0)),
        "object": np.array([{}, []], dtype=object),
        "negative": np.array([-1.0, 1.0]),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=True)
    content = (folder / "good.npy").read_bytes()
    (folder / "cut.npy").write_bytes(content[:500])
    (folder / "text.npy").write_text("1 2 3\n", encoding="utf-8")
    np.savez(folder / "archive.npz", a=a)
    entries = [
        {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": seconds * share}
        for op, seconds in PRICES.items()
        for dtype, share in (("float64", 1.0), ("float32", 0.5))
    ]
    kinds = {
        "prices": tuple(PRICES),
        "few": ("add",),
        # An inverse by products has no proof for minutes.
        "products": ("matmul", "matmul_herm", "add"),
    }
    for name, ops in kinds.items():
        kept = [entry for entry in entries if entry["op"] in ops]
        document = {"schema": 1, "name": name, "ops": kept}
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "prose.json").write_text("not JSON", encoding="utf-8")
    (folder / "foreign.json").write_text('{"schema": 1}', encoding="utf-8")
    arguments = ["discover", "invsqrt", "--interval", "1e-2", "1", "--n", str(N)]
    arguments += ["--profile", str(folder / "prices.json"), "--time-limit", "5", "--nodes", "300"]
    result = CliRunner().invoke(cli, [*arguments, "-o", str(folder / "plan.json")])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def invoke(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return a function that runs the command line in a fresh folder, with inputs linked in."""
    for path in files.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert "Traceback" not in result.output, result.output
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    return run
