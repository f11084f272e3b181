"""The README's Python example runs as it stands, and its two commands exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_python_example_converges(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    namespace: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), namespace)
    assert capsys.readouterr().out.startswith("converged [")


def test_the_two_commands_are_targets():
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in ("demo", "test"):
        assert re.search(rf"^{command}: ", targets, flags=re.MULTILINE)
