"""What users import: names, errors, and nothing optional on the way."""

import inspect
import pickle
import subprocess
import sys

import pytest

import matrl
from matrl import errors

ERRORS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("name", matrl.__all__)
def test_public_names_exist_and_say_what_they_are(name):
    value = getattr(matrl, name)
    assert isinstance(value, str) or inspect.getdoc(value)


def test_the_version_begins_with_a_number():
    assert matrl.__version__[0].isdigit()  # "0+unknown" where matrl is not installed


@pytest.mark.parametrize("error", ERRORS)
def test_errors_are_documented_picklable_and_matrl_errors(error):
    assert issubclass(error, matrl.MatrlError)
    assert inspect.getdoc(error)
    assert str(pickle.loads(pickle.dumps(error("A: is wrong")))) == "A: is wrong"


@pytest.mark.parametrize("error", [e for e in ERRORS if e is not errors.MatrlError])
def test_errors_are_also_what_callers_expect(error):
    assert issubclass(error, ValueError | RuntimeError | ImportError)


def test_importing_matrl_imports_nothing_optional():
    code = (
        "import sys, matrl; "
        "optional = {'matplotlib', 'sklearn', 'torch', 'jax', 'mpmath', 'ray'}; "
        "print(sorted(optional & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
