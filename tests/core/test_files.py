"""Files are replaced whole or not at all."""

import os
import stat

import pytest

from matrl.core.files import replace_file, replace_text


def test_a_file_is_replaced_and_can_be_read_by_others(tmp_path):
    path = tmp_path / "a.json"
    for text in ("first ä", "second"):
        replace_text(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_content_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.json"
    replace_text(path, "old")

    def write(file):
        file.write(b"half of")
        raise error

    with pytest.raises(type(error)):
        replace_file(path, write)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]
