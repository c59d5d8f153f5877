"""What holds for the project as a whole: sizes, layers, imports, files that belong together."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import millstream._version

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "millstream").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_readable(path):
    text = path.read_text()
    assert text.count("\n") <= 500, "a file has at most 500 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - first_line(node) + 1
            assert lines <= 50, f"{node.name} has {lines} lines; a function has at most 50"


def first_line(function):
    """Skips the signature and the docstring: neither is work for a reader of the code."""
    body = function.body
    documented = ast.get_docstring(function) is not None
    return body[1].lineno if documented and len(body) > 1 else body[0].lineno


def python(code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_loads_neither_jax_nor_numpy():
    code = "import sys, millstream; print(sorted({'jax', 'jaxlib', 'numpy'} & set(sys.modules)))"
    assert python(code) == "[]\n"


def test_layers():
    lint = Path(sys.executable).with_name("lint-imports")
    if not lint.exists():
        pytest.skip("import-linter is not installed")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_every_package_is_in_the_contract_of_layers():
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    listed = set(re.findall(r"\w+", " ".join(layers)))
    there = {path.parent.name for path in (ROOT / "millstream").glob("*/__init__.py")}
    assert there <= listed


def test_the_version_is_told_everywhere():
    version = millstream._version.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text()


def test_links_between_documents_lead_somewhere():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{name_of(document)} links to {target}"


def test_the_trademark_line_is_in_the_readme():
    text = " ".join((ROOT / "README.md").read_text().split())
    assert (
        "TensorFlow, the TensorFlow logo and any related marks are trademarks of Google Inc."
        in text
    )
