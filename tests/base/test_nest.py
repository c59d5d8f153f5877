"""Nests beyond what TensorFlow 1.15 records: attrs classes, composites, hard mappings."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.base import nest

structures = st.recursive(
    st.integers(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
    ),
    max_leaves=12,
)


class Pair(nest.Composite):
    """Two parts, the first of them twice."""

    def __init__(self, a, b):
        self.parts = a, b

    def _to_components(self):
        return self.parts

    def _from_components(self, components):
        return Pair(*components)


class Attrs:
    """What the `attrs` package makes of a class, for our purposes."""

    class _Attribute:
        def __init__(self, name):
            self.name = name

    __attrs_attrs__ = (_Attribute("b"), _Attribute("a"))

    def __init__(self, b, a):
        self.b, self.a = b, a


@given(structures)
def test_packing_undoes_flattening(structure):
    flat = nest.flatten(structure)
    assert nest.pack_sequence_as(structure, flat) == structure
    nest.assert_same_structure(structure, nest.map_structure(str, structure))


def test_composites_are_leaves_unless_expanded():
    pair = Pair(1, [2, 3])
    assert nest.flatten([pair]) == [pair]
    assert nest.flatten([pair], expand_composites=True) == [1, 2, 3]
    doubled = nest.map_structure(lambda x: 2 * x, pair, expand_composites=True)
    assert doubled.parts == (2, [4, 6])
    assert nest.is_sequence_or_composite(pair)
    assert not nest.is_nested(pair)


def test_attrs_classes_keep_their_field_order():
    packed = nest.map_structure(lambda x: x + 1, Attrs(1, [2]))
    assert (packed.b, packed.a) == (2, [3])
    assert nest.flatten(Attrs(1, [2])) == [1, 2]


def test_mapping_proxy_is_rebuilt():
    packed = nest.pack_sequence_as(MappingProxyType({"b": 1, "a": 2}), [10, 20])
    assert packed == MappingProxyType({"b": 20, "a": 10})


def test_unsortable_keys_are_shown():
    with pytest.raises(TypeError, match=r"cannot be sorted: \[1, 'a'\]"):
        nest.flatten({1: 0, "a": 0})


def test_difference_is_shown_with_both_forms():
    with pytest.raises(ValueError, match=r"list \[4\] is a structure, but int 2 is a leaf") as info:
        nest.assert_same_structure([1, 2], [3, [4]])
    assert "first:  [., .]\n  second: [., [.]]" in str(info.value)
