"""Records what TF 1.15 answers to expressions about dtypes, shapes, errors, nests and text.

Run under a TF 1.15 interpreter: `python tests/golden/base_facts.py`. It writes `base_facts.json`, a
list of [group, expression, outcome]; an outcome is `["value", repr]` or `["error", class name]`.
"""

import collections
import json
import os

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))

DIMENSION = """
D(3)
D(None)
D(-1)
D(3.0)
D(3.5)
D('3')
D('x')
D(D(3))
D(np.int64(3))
D(tf.float32)
D(True)
D([1])
D(3) == 3
D(3) == 4
D(3) == None
D(3) == N
N == N
N == 3
N == None
D(3) == 'x'
D(3) == D(3)
D(3) != 3
D(3) != 4
D(3) != N
N != N
D(3) != 'x'
N != None
D(3) == 3.0
int(D(3))
int(N)
list(range(D(3)))
range(N)
D(3).value
N.value
hash(D(3))
bool(D(0))
bool(N)
str(D(3)), str(N)
np.zeros([D(2), 3]).shape
D(3) + D(4)
D(3) + 4
4 + D(3)
D(3) + N
D(3) + None
None + D(3)
D(3) - D(4)
D(3) - 1
5 - D(3)
5 - N
D(3) * 4
4 * D(3)
D(3) * N
D(3) * 1.5
D(3) // 2
7 // D(3)
D(3) // 0
D(3) // N
D(7) % 4
7 % D(4)
N % 4
D(3) / 2
6 / D(3)
N / 2
divmod(D(3), 2)
D(3) < 4
D(3) <= 3
D(3) > 4
D(3) >= N
N < N
D(3) < 'x'
D(3) + 'x'
D(3) - 'x'
D(3) * 'x'
D(3) // 'x'
D(3) % 'x'
D(3) + 1.5
D(3) ** 2
-D(3)
D(3).merge_with(4)
D(3).merge_with(N)
N.merge_with(5)
D(3).assert_is_compatible_with(4)
D(3).is_compatible_with(4)
D(3).is_compatible_with(None)
D(3).__div__(2)
tf.dimension_value(D(3))
tf.dimension_value(3)
tf.compat.dimension_value(None)
pickle.loads(pickle.dumps(D(3)))
"""

SHAPE = """
S(None)
S([])
S([2, None, 3])
S((2,))
S(5)
S(-1)
S([-1, 2])
S([2.0, 3])
S([2.5, 3])
S(['a'])
S('abc')
S(D(3))
S(S([1, 2]))
S(np.array([1, 2]))
S(np.int64(3))
S(3.0)
S([[1, 2]])
S((D(3), N))
S(range(3))
S(iter([2, 3]))
S({1: 2})
S(dims=[2])
S(True)
S(None, 3)
S([None, 2]).as_list()
S(None).as_list()
S(None).dims
S([2, None]).dims
S(None).ndims
S([1]).rank
len(S([2, 3]))
len(S(None))
bool(S(None))
bool(S([]))
list(S([2, 3]))
list(S(None))
S([2, 3])[0]
S([2, 3])[-1]
S([2, 3])[5]
S([2, 3])[D(1)]
S([2, 3])[None]
S([2, 3])['a']
S([2, 3])[0:1]
S([2, 3])[D(0):D(1)]
S([2, 3])[5:]
S([2, 3, 4])[:-1]
S([2, 3, 4])[::2]
S(None)[0]
S(None)[1:]
S(None)[:2]
S(None)[1:3]
S(None)[-2:]
S(None)[:-1]
S(None)[2:1]
S(None)[::2]
S([2, 3]) == S([2, 3])
S([2, 3]) == [2, 3]
S([2, 3]) == (2, 3)
S([2, None]) == [2, None]
S([2, None]) == S([2, None])
S([2, None]) != S([2, None])
S([2, None]) != S([2, 3])
S([2, None]) != S([2, None, 3])
(lambda x: x == x)(S([None]))
S(None) == S(None)
S(None) == None
S(None) != S(None)
S(None) != None
S(None) == [1]
S([1]) == None
S([1]) != None
S([1]) == 'x'
S([1]) != 'x'
S([3]) == 3
S([2]) == D(2)
D(2) == S([2])
S([2, 3]) != [2, 3]
S([2, 3]) != [2, 4]
S([2, 3]) != [2]
hash(S([2, 3]))
2 in S([2, 3])
None in S([None])
tuple(S([1, 2]))
np.zeros(S([1, 2])).shape
np.zeros(S([1, None])).shape
S([2, 3]).num_elements()
S([2, None]).num_elements()
S([]).num_elements()
S(None).num_elements()
S([2, None, 0]).num_elements()
S([2, 3]).merge_with([2, None])
S([2, None]).merge_with([None, 4])
S(None).merge_with([1])
S([1]).merge_with(None)
S([2, 3]).merge_with([4])
S([2, 3]).merge_with([2, 4])
S([2, 3]).concatenate([4])
S([2, 3]).concatenate(4)
S([2, 3]).concatenate(None)
S(None).concatenate([1])
S([2, 3]).with_rank(2)
S([2, 3]).with_rank(3)
S(None).with_rank(2)
S(None).with_rank(None)
S([2, 3]).with_rank_at_least(3)
S([2, 3]).with_rank_at_least(2)
S([2, 3]).with_rank_at_most(1)
S([2, 3]).with_rank_at_most(3)
S(None).with_rank_at_least(2)
S([2, 3]).assert_has_rank(3)
S([2, 3]).assert_has_rank(2)
S(None).assert_has_rank(2)
S([2, 3]).assert_same_rank([2])
S([2, 3]).assert_same_rank([4, 5])
S([2, 3]).assert_same_rank(None)
S([2, 3]).assert_is_compatible_with([2])
S([2, 3]).assert_is_compatible_with([None, 3])
S([2, 3]).is_compatible_with([None, 3])
S([2, 3]).is_compatible_with(None)
S([2, 3]).is_compatible_with([2, 3, 4])
S([2, 3]).most_specific_compatible_shape([2, 4])
S([2, 3]).most_specific_compatible_shape([2])
S([2, None]).most_specific_compatible_shape([2, None])
S(None).most_specific_compatible_shape([2, None])
S([2, None]).is_fully_defined()
S([]).is_fully_defined()
S(None).is_fully_defined()
S([2, None]).assert_is_fully_defined()
S(None).assert_is_fully_defined()
S([2]).assert_is_fully_defined()
S(S([2, None]).as_proto())
S(S(None).as_proto())
str(S([2, None])), str(S(None)), str(S([])), str(S([2]))
S([2, 3]) + S([4])
S([2, 3]) + [4]
[4] + S([2, 3])
S([1, 2]) < S([3])
S([2 ** 70])
pickle.loads(pickle.dumps(S([2, None])))
copy.deepcopy(S([2, None]))
tf.dimension_at_index(S([1, 2]), 0)
tf.dimension_at_index(S(None), 0)
tf.broadcast_static_shape(S([2, 1]), S([3]))
tf.broadcast_static_shape(S([2, 1]), S([3, 3]))
tf.broadcast_static_shape(S([2, None]), S([3]))
tf.broadcast_static_shape(S([2, None]), S([1]))
tf.broadcast_static_shape(S([None]), S([None]))
tf.broadcast_static_shape(S([2, 3]), S([4]))
tf.broadcast_static_shape(S(None), S([3, 3]))
tf.broadcast_static_shape(S([None, 1]), S([3, 3]))
tf.broadcast_static_shape(S([0]), S([1]))
tf.broadcast_static_shape(S([0]), S([2]))
"""

_NAMES = (
    "float32 float64 int32 uint8 int16 int8 string complex64 int64 bool qint8 quint8 qint32 "
    "bfloat16 qint16 quint16 uint16 complex128 float16 uint32 uint64"
)
_FACTS = (
    "d.name, d.as_datatype_enum, d.size, d.is_floating, d.is_integer, d.is_complex, d.is_bool, "
    "d.is_unsigned, d.is_quantized, d.is_numpy_compatible, d.base_dtype, d.real_dtype, "
    "d._is_ref_dtype, d._as_ref, str(d), hash(d)"
)

DTYPE = "".join(
    "(lambda d: (%s))(tf.as_dtype(%r))\n" % (_FACTS, name + suffix)
    for name in _NAMES.split()
    for suffix in ("", "_ref")
)
DTYPE += "".join(
    "%s(tf.%s.%s)\n" % ("float" if "float" in name else "", name, bound)
    for name in _NAMES.split()
    for bound in ("min", "max")
    if name != "bfloat16"
)
DTYPE += """
tf.resource.name, tf.variant.as_datatype_enum
tf.float32.limits, tf.int8.limits, tf.uint64.limits
tf.half is tf.float16, tf.double is tf.float64
tf.as_dtype(1)
tf.as_dtype(101)
tf.as_dtype(0)
tf.as_dtype(24)
tf.as_dtype('float32_ref')
tf.as_dtype('float')
tf.as_dtype('double')
tf.as_dtype('half')
tf.as_dtype('foo')
tf.as_dtype('str')
tf.as_dtype('int')
tf.as_dtype('<i4')
tf.as_dtype(b'float32')
tf.as_dtype(3.5)
tf.as_dtype(None)
tf.as_dtype(float)
tf.as_dtype(int)
tf.as_dtype(bool)
tf.as_dtype(str)
tf.as_dtype(bytes)
tf.as_dtype(complex)
tf.as_dtype(object)
tf.as_dtype(np.float32)
tf.as_dtype(np.dtype('S3'))
tf.as_dtype(np.dtype('U3'))
tf.as_dtype(np.object_)
tf.as_dtype(np.str_)
tf.as_dtype(np.dtype('>i4'))
tf.as_dtype(np.int_)
tf.as_dtype(np.intc)
tf.as_dtype(np.longlong)
tf.as_dtype(np.longdouble)
tf.as_dtype(np.bool_)
tf.as_dtype([1])
tf.as_dtype({})
tf.as_dtype(slice)
tf.as_dtype(np.datetime64)
tf.as_dtype(np.dtype([('a', np.int32)]))
tf.as_dtype(tf.qint8.as_numpy_dtype)
tf.as_dtype(tf.bfloat16.as_numpy_dtype)
tf.as_dtype(tf.string.as_numpy_dtype)
tf.float32.as_numpy_dtype is np.float32
tf.bool.as_numpy_dtype is bool
tf.float32 == 'float32'
tf.float32 == np.float32
tf.float32 == None
tf.float32 == 'foo'
tf.float32 != 'foo'
tf.float32 == 1
tf.float32 == object()
tf.float32 == {}
tf.float32 in [tf.float64, 'float32']
tf.float32 < tf.float64
int(tf.float32)
tf.as_dtype(101) == tf.float32
tf.float32.is_compatible_with(tf.as_dtype(101))
tf.as_dtype(101).is_compatible_with(tf.float32)
tf.float32.is_compatible_with('float32')
tf.float32.is_compatible_with(tf.float64)
tf.DType(1)
tf.DType(50)
tf.DType('a')
pickle.loads(pickle.dumps(tf.float32)) is tf.float32
copy.deepcopy(tf.float32) is tf.float32
len(tf.QUANTIZED_DTYPES)
"""

ERROR = """
sorted((n, getattr(tf.errors, n)) for n in dir(tf.errors) if n.isupper())
sorted(n for n in dir(tf.errors) if n.endswith('Error'))
[tf.errors.exception_type_from_error_code(c).__name__ for c in range(1, 17)]
tf.errors.exception_type_from_error_code(99)
tf.errors.error_code_from_exception_type(tf.errors.NotFoundError)
str(tf.errors.error_code_from_exception_type(ValueError))
(lambda e: (str(e), e.message, e.error_code, e.op, e.args))(E(None, None, 'boo'))
tf.errors.UnknownError(None, None, 'a', 33).error_code
tf.errors.OpError(None, None, 'a', 3).error_code
str(pickle.loads(pickle.dumps(tf.errors.NotFoundError(None, None, 'boo'))))
isinstance(tf.errors.AbortedError(None, None, ''), tf.OpError)
tf.errors.NotFoundError('boo')
"""

NEST = """
nest.flatten(1)
nest.flatten([1, [2, (3,)], {'b': 4, 'a': 5}])
nest.flatten({1: 'x', 'a': 'y'})
nest.flatten(collections.OrderedDict([('b', 1), ('a', 2)]))
nest.flatten(collections.defaultdict(int, {'b': 1, 'a': 2}))
nest.flatten(P(1, [2]))
nest.flatten('abc')
nest.flatten(b'abc')
nest.flatten(bytearray(b'abc'))
nest.flatten(np.array([1, 2]))
nest.flatten({1, 2})
nest.flatten(range(3))
nest.flatten({'a': 1}.values())
nest.flatten(None)
nest.flatten([])
nest.flatten({'a': None, 'b': []})
nest.flatten(S([1, 2]))
nest.flatten(collections.deque([1, 2]))
[nest.is_nested(x) for x in ([1], 'a', {1}, {}, np.zeros(2), P(1, 2), range(3), None)]
nest.pack_sequence_as([1, [2, 3]], [4, 5, 6])
nest.pack_sequence_as(1, [4])
nest.pack_sequence_as(1, [4, 5])
nest.pack_sequence_as([1, 2], [4])
nest.pack_sequence_as([1, [2]], 4)
nest.pack_sequence_as([1, 2], 'ab')
list(nest.pack_sequence_as(collections.OrderedDict([('b', 1), ('a', 2)]), [10, 20]).items())
list(nest.pack_sequence_as({'b': 1, 'a': 2}, [10, 20]).items())
nest.pack_sequence_as(collections.defaultdict(int, {'b': 1, 'a': 2}), [10, 20])
nest.pack_sequence_as(P(1, 2), [10, 20])
nest.pack_sequence_as(L([1, 2]), [10, 20]).__class__.__name__
nest.pack_sequence_as(range(3), [10, 20, 30])
nest.pack_sequence_as([1, []], [4])
nest.map_structure(lambda x, y: x + y, [1, {'a': 2}], [3, {'a': 4}])
nest.map_structure(lambda x, y: x + y, [1, {'a': 2}], (3, {'a': 4}))
nest.map_structure(lambda x, y: x + y, [1, {'a': 2}], (3, {'a': 4}), check_types=False)
nest.map_structure(lambda x, y: x + y, [1, 2], [3, [4]])
nest.map_structure(lambda x: x)
nest.map_structure(1, [1])
nest.map_structure(lambda x: x, [1], foo=2)
nest.map_structure(lambda x, y: x + y, {'a': 1}, {'b': 1})
nest.map_structure(lambda x: x, None)
nest.assert_same_structure([1, 2], [3])
nest.assert_same_structure([1, 2], (3, 4))
nest.assert_same_structure([1, 2], 3)
nest.assert_same_structure(1, [3])
nest.assert_same_structure([1, [2]], [3, 4])
nest.assert_same_structure([1, 2], (3, 4), check_types=False)
nest.assert_same_structure(P(1, 2), Q(3, 4))
nest.assert_same_structure(P(1, 2), P2(3, 4))
nest.assert_same_structure(P(1, 2), (3, 4))
nest.assert_same_structure({'a': 1}, {'b': 1})
nest.assert_same_structure({'a': 1}, {'b': 1}, check_types=False)
nest.assert_same_structure({'a': 1}, collections.OrderedDict(a=1))
nest.assert_same_structure({'a': 1}, collections.defaultdict(int, a=1))
nest.assert_same_structure(L([1]), [1])
nest.assert_same_structure({'a': 1}, {'a': 1, 'b': 2})
nest.assert_same_structure([1], 'a')
more.flatten_dict_items({('a', 'b'): (1, 2)})
more.flatten_dict_items({4: 5, (6, 8): (7, 9)})
more.flatten_dict_items({(1, 2): 3})
more.flatten_dict_items([1])
more.flatten_dict_items({(1, 2): (3, 4), 1: 5})
more.flatten_up_to([1, [2]], [[5, 6], [7]])
more.flatten_up_to(1, [1, 2])
more.flatten_up_to([1], 2)
more.flatten_up_to([1, 2], [2])
more.flatten_up_to([1], (2,))
more.flatten_up_to({'a': 1}, {'b': 2})
more.flatten_up_to({'a': 1}, [2])
more.flatten_up_to({'a': 1}, {'a': 1, 'b': 2}, check_subtrees_length=False)
more.flatten_up_to([1, 2], [2, 3, 4], check_subtrees_length=False)
more.flatten_up_to(P(1, 2), P([3], 4))
more.assert_shallow_structure([1], [2, 3])
more.assert_shallow_structure([1], (2,), check_types=False)
more.assert_shallow_structure({'a': 1}, {'a': 1, 'b': 2})
more.assert_shallow_structure([1, [2]], [1, [2, 3]])
more.map_structure_up_to([1, 1], lambda x, y: (x, y), [[5, 6], [7]], [3, 4])
more.map_structure_up_to([1, 1], lambda x, y: (x, y), [[5, 6], [7]], [3])
more.get_traverse_shallow_structure(lambda s: not isinstance(s, tuple), [1, (2, 3), [4, (5, 6)]])
more.get_traverse_shallow_structure(lambda s: 1, [1, (2, 3)])
more.get_traverse_shallow_structure(lambda s: [True, False], [1, (2, 3)])
more.flatten_with_joined_string_paths({'b': [1, 2], 'a': P(3, 4)})
more.flatten_with_tuple_paths({'b': [1, 2], 'a': P(3, 4)})
more.flatten_with_tuple_paths(3)
more.map_structure_with_paths(lambda p, x: (p, x), {'b': [1, 2], 'a': P(3, 4)})
more.map_structure_with_paths(lambda p, x: (p, x), 3)
more.map_structure_with_tuple_paths(lambda p, x, y: (p, x, y), [1, 2], [3, 4])
more.map_structure_with_tuple_paths(lambda p, x, y: (p, x, y), [1, 2], (3, 4))
more.flatten_with_tuple_paths_up_to([1, 1], [[1], 2])
list(more.yield_flat_paths({'b': [1, 2], 'a': P(3, 4)}))
"""

TEXT = """
tf.compat.as_bytes('a'), tf.compat.as_bytes(b'a'), tf.compat.as_bytes(bytearray(b'a'))
tf.compat.as_bytes(u'\\xe9'), tf.compat.as_bytes(u'\\xe9', 'latin-1')
tf.compat.as_bytes(3)
tf.compat.as_text(b'a'), tf.compat.as_text('a'), tf.compat.as_str(b'a')
tf.compat.as_text(3)
tf.compat.as_str_any(3), tf.compat.as_str_any(b'a'), tf.compat.as_str_any(None)
tf.compat.path_to_str(pathlib.Path('/a')), tf.compat.path_to_str('/a'), tf.compat.path_to_str(3)
[t.__name__ for t in tf.compat.integral_types + tf.compat.real_types + tf.compat.complex_types]
tf.compat.forward_compatible(2019, 8, 20), tf.compat.forward_compatible(2019, 8, 21)
tf.logging.DEBUG, tf.logging.INFO, tf.logging.WARN, tf.logging.ERROR, tf.logging.FATAL
tf.GRAPH_DEF_VERSION, tf.GRAPH_DEF_VERSION_MIN_CONSUMER, tf.GRAPH_DEF_VERSION_MIN_PRODUCER
tf.VERSION, tf.__version__, tf.version.VERSION
sorted(n for n in dir(tf.flags) if n[0].isupper() or n.startswith('mark_'))
"""

GROUPS = [
    ("dimension", DIMENSION),
    ("shape", SHAPE),
    ("dtype", DTYPE),
    ("error", ERROR),
    ("nest", NEST),
    ("text", TEXT),
]


class L(list):
    """A subclass of list."""


def namespace(tensorflow):
    """Gives the names that the expressions use."""
    import copy
    import pathlib
    import pickle

    return {
        "tf": tensorflow,
        "D": tensorflow.Dimension,
        "N": tensorflow.Dimension(None),
        "S": tensorflow.TensorShape,
        "E": tensorflow.errors.DataLossError,
        "nest": tensorflow.nest,
        "more": tensorflow.contrib.framework.nest,
        "P": collections.namedtuple("P", "x y"),
        "P2": collections.namedtuple("P", "x y"),
        "Q": collections.namedtuple("Q", "x y"),
        "L": L,
        "np": np,
        "collections": collections,
        "copy": copy,
        "pathlib": pathlib,
        "pickle": pickle,
    }


def outcome(expression, names):
    """Evaluates an expression to `["value", repr]` or `["error", class name]`."""
    try:
        return ["value", repr(eval(expression, dict(names)))]
    except Exception as error:
        return ["error", type(error).__name__]


def main():
    """Writes the recording."""
    names = namespace(tf)
    rows = [
        [group, line, outcome(line, names)]
        for group, lines in GROUPS
        for line in lines.strip().splitlines()
    ]
    with open(os.path.join(HERE, "base_facts.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
