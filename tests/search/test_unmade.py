"""Digests of keys: equal for equal keys, in every process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import matrl
from matrl.search.unmade import BYTES, Digest

KEY = '(0, ("a", 1.5, None, b"\\x00", (True, float("-inf"))), "é")'
ELSEWHERE = f"from matrl.search.unmade import Digest; print(Digest.of({KEY}).value.hex())"

PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.binary(max_size=3)


@given(st.tuples(PLAIN, st.tuples(PLAIN, PLAIN)), st.tuples(PLAIN, st.tuples(PLAIN, PLAIN)))
def test_digests_tell_keys_apart(one, other):
    same = repr(one) == repr(other)
    assert (Digest.of(one) == Digest.of(other)) == same
    assert len(Digest.of(one).value) == BYTES


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_has_the_same(seed):
    source = str(Path(matrl.__file__).parents[1])
    found = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": source, "PYTHONHASHSEED": seed},
        check=True,
    )
    assert found.stdout.strip() == Digest.of(eval(KEY)).value.hex()


def test_what_is_no_plain_data_has_none():
    with pytest.raises(TypeError):
        Digest.of((object(),))
