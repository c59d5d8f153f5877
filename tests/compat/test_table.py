"""The table of internal modules against what genuine TensorFlow's modules hold."""

import gzip
import json
from pathlib import Path

import pytest

from millstream.compat import table

GOLDEN = Path(__file__).parents[1] / "golden" / "compat_modules.json.gz"
RECORDED = json.loads(gzip.decompress(GOLDEN.read_bytes()))
PUBLIC = set(RECORDED["public"])


@pytest.mark.parametrize("module", sorted(RECORDED["modules"]))
def test_first_hit_is_the_object_that_the_module_holds(module):
    row = table.row_of(module)
    assert row is not None
    for name, aliases in RECORDED["modules"][module].items():
        if name.startswith("_") and name not in row.renamed:
            continue
        hits = [c for c in row.candidates(name) if c in PUBLIC]
        assert hits, f"{module}.{name} is {aliases[0]}: the table does not lead there"
        assert hits[0] in aliases, f"{module}.{name} is {aliases}, not {hits[0]}"


def test_every_row_is_well_formed():
    for module, row in table.rows().items():
        assert module == module.strip()
        assert "." not in row.namespaces[1:] or row.namespaces.index(".") > 0, module
        assert all(old and new for old, new in row.renamed.items()), module


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("Conv2DBackpropInput", "conv2d_backprop_input"),
        ("FIFOQueueV2", "fifo_queue_v2"),
        ("LRN", "lrn"),
        ("MatMul", "mat_mul"),
        ("FusedBatchNormV3", "fused_batch_norm_v3"),
        ("AvgPool3DGrad", "avg_pool3d_grad"),
        ("RFFT2D", "rfft2d"),
        ("SparseApplyAdagradDA", "sparse_apply_adagrad_da"),
    ],
)
def test_snake_case(op, function):
    assert table.snake_case(op) == function


def test_packages_hold_no_names_of_their_own():
    assert table.row_of("python.ops") == table.Row(())
    assert table.row_of("core.framework") == table.Row(())
    assert table.row_of("examples.tutorials") == table.Row(())


@pytest.mark.parametrize("module", ["python.no_such", "runtime", "contrib.none.python.x", "nets"])
def test_unknown_modules(module):
    assert table.row_of(module) is None
