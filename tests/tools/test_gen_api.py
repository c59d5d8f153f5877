"""The table of public names is current, and the tool tells what is wrong with names."""

import subprocess
import sys

from millstream.tools import gen_api


def test_the_table_is_current():
    check = [sys.executable, "-m", "millstream.tools.gen_api", "--check"]
    done = subprocess.run(check, capture_output=True, text=True)
    hint = "run `python -m millstream.tools.gen_api`"
    assert done.returncode == 0, f"{hint}\n{done.stdout}{done.stderr}"


def test_importing_every_module_does_not_load_jax():
    code = (
        "import sys; from millstream.tools import gen_api as g; g.import_all(g.module_names());"
        "print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_a_module_that_hides_a_name_is_told():
    rows = [("train.saver", "millstream.train.saving", "saver")]
    assert gen_api._shadowed(rows, ["millstream.train.saver"]) == [
        "tf.train.saver, exported by millstream.train.saving, is hidden by module "
        "millstream.train.saver"
    ]
    assert gen_api._shadowed(rows, ["millstream.train"]) == []


def test_a_name_that_is_also_a_namespace_is_told():
    rows = [("nn", "m", "nn"), ("nn.relu", "m", "relu")]
    assert gen_api._leaf_and_namespace(rows) == [
        "tf.nn is exported and is a namespace of other names"
    ]
    assert gen_api._leaf_and_namespace(rows[1:]) == []


def test_modules_that_fail_are_told_by_cause_and_passed_over():
    failed = gen_api.import_all(["millstream.nothing", "json", "xml.nothing"])
    assert list(failed) == ["millstream.nothing", "xml.nothing"]
    assert "ModuleNotFoundError: No module named 'xml.nothing'" in failed["xml.nothing"]
    assert gen_api._import_problems({"a": "bad", "b": "worse", "c": "bad"}) == [
        "cannot import a, c: bad",
        "cannot import b: worse",
    ]
