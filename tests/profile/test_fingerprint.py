"""The fingerprint is stable, and changes with what timings depend on."""

import json

from matrl.profile import fingerprint


def test_stable_and_short():
    first = fingerprint.machine_fingerprint()
    assert first == fingerprint.machine_fingerprint()
    assert len(first) == 12
    assert int(first, 16) >= 0


def test_description_is_complete_and_json():
    described = fingerprint.machine_description()
    assert set(described) == {
        "processor",
        "cores",
        "usable_cores",
        "blas_threads",
        "blas",
        "numpy",
        "scipy",
        "python",
        "platform",
    }
    assert json.loads(json.dumps(described)) == described
    assert all(described.values())


def test_threads_come_from_the_environment(monkeypatch):
    for variable in fingerprint._THREAD_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(fingerprint, "_usable_cores", lambda: 8)
    everything = fingerprint.machine_fingerprint()
    assert fingerprint.machine_description()["blas_threads"] == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert fingerprint.machine_description()["blas_threads"] == 4
    assert fingerprint.machine_fingerprint() != everything
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert fingerprint.machine_description()["blas_threads"] == 2
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "many")
    assert fingerprint.machine_description()["blas_threads"] == 4
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "100")
    assert fingerprint.machine_description()["blas_threads"] == 8


def test_python_version_does_not_matter(monkeypatch):
    before = fingerprint.machine_fingerprint()
    monkeypatch.setattr(fingerprint.platform, "python_version", lambda: "9.9.9")
    assert fingerprint.machine_fingerprint() == before
    monkeypatch.setattr(fingerprint, "_version", lambda package: "9.9.9")
    assert fingerprint.machine_fingerprint() != before
