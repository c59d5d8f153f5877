"""Records what TF 1.15 makes of small expressions: nodes, static shapes, values, and errors.

    python tests/golden/array_nodes.py

Each expression is evaluated in a fresh graph; the tests evaluate the same strings with Millstream.
`x` stands for float32 placeholders of various shapes: `x(2, None)`; `u()` is one of unknown rank;
`xi`, `ui` are their int32 twins; `v(2, 3)` is an array of consecutive float32 values, `vi` of int32.
"""

import json
import os

EXPRESSIONS = """
tf.identity(x(2, 3))
tf.identity([1., 2.])
tf.identity([1., 2.], name="foo")
tf.identity_n([v(2), vi(3)])
tf.stop_gradient(x(2))
tf.placeholder(tf.float32)
tf.placeholder(tf.int32, [None, 3])
tf.placeholder(tf.int32, [None, 3], name="foo")
tf.placeholder(tf.int32, 3)
tf.placeholder(tf.int32, ())
tf.placeholder_with_default([1., 2.], [None])
tf.placeholder_with_default(x(2, 3), [None, 3], name="d")
tf.placeholder_with_default(v(2, 3), [4, 3])
tf.placeholder_with_default(3, [])
tf.sparse_placeholder(tf.float32)
tf.sparse_placeholder(tf.float32, [2, 3])
tf.sparse_placeholder(tf.float32, [None, 3])
tf.sparse_placeholder(tf.int64, name="sp")
tf.shape(x(2, 3))
tf.shape(x(2, None))
tf.shape(x(2, None), out_type=tf.int64)
tf.shape(x(2, 3), name="s", out_type=tf.int64)
tf.shape([1, 2, 3])
tf.shape(u())
tf.shape(tf.sparse_placeholder(tf.float32))
tf.shape_n([x(2, 3), x(None)])
tf.shape_n([x(2, 3), x(None)], out_type=tf.int64)
tf.size(x(2, 3))
tf.size(x(2, None))
tf.size(x(2, None), out_type=tf.int64)
tf.size([[1., 2.]])
tf.size(tf.sparse_placeholder(tf.float32))
tf.rank(x(2, 3))
tf.rank(u())
tf.rank([[1], [2]])
tf.rank(tf.sparse_placeholder(tf.float32))
tf.reshape(x(2, 3), [3, 2])
tf.reshape(x(2, None), [-1])
tf.reshape(x(2, 3), [-1])
tf.reshape(x(2, 3, None), [6, -1])
tf.reshape(x(2, 3), [-1, 4])
tf.reshape(x(2, 3), [4, 4])
tf.reshape(v(2, 3), tf.stack([xi(), 3]))
tf.reshape(u(), [2, 3])
tf.reshape(x(4), [])
tf.reshape(x(), [1, 1])
tf.reshape(x(2, 3), (3, tf.constant(2)))
tf.reshape(x(2, 3), [-1, -1])
tf.reshape(x(2, 3), xi(2))
tf.reshape(x(None), [0, -1])
tf.fill([2, 3], 7)
tf.fill([2, 3], 7., name="f")
tf.fill(xi(2), 7)
tf.fill([2, xi()], 7)
tf.fill([], 7)
tf.fill(np.array([2], np.int64), "a")
tf.fill([2, -3], 1)
tf.fill([2, 3], [1, 2])
tf.zeros([2, 3])
tf.zeros([2, 3], tf.int32, name="z")
tf.zeros([40, 40])
tf.zeros([])
tf.zeros(3)
tf.zeros([2, xi()])
tf.zeros(xi(2), tf.float64)
tf.zeros(tf.TensorShape([2, 3]), tf.bool)
tf.zeros([2], tf.string)
tf.zeros(tf.shape(x(2, None)))
tf.zeros([2], tf.float16)
tf.ones([2, 3])
tf.ones([40, 40], tf.int64)
tf.ones([40, 40])
tf.ones([2, xi()])
tf.ones([2], tf.bool)
tf.ones(xi(2))
tf.ones([2], tf.complex64)
tf.zeros_like(x(2, 3))
tf.zeros_like(x(2, None))
tf.zeros_like(x(2, None), tf.int32)
tf.zeros_like(x(2, 3), tf.int32)
tf.zeros_like(x(2, 3), name="zl", optimize=False)
tf.zeros_like([1, 2])
tf.zeros_like(u())
tf.zeros_like(["a"])
tf.ones_like(x(2, 3))
tf.ones_like(x(2, None))
tf.ones_like(x(2, None), tf.int32)
tf.ones_like([1, 2], name="ol")
tf.ones_like(x(2, 3), optimize=False)
tf.expand_dims(x(2, 3), 0)
tf.expand_dims(x(2, 3), -1)
tf.expand_dims(x(2, 3), 1, name="e")
tf.expand_dims(x(2, 3), dim=2)
tf.expand_dims(x(2, 3), 3)
tf.expand_dims(u(), 3)
tf.expand_dims(x(2), xi())
tf.expand_dims(x(2))
tf.squeeze(x(1, 2, 1))
tf.squeeze(x(1, 2, None))
tf.squeeze(x(1, 2, None), [2])
tf.squeeze(x(1, 2, 1), [0])
tf.squeeze(x(1, 2, 1), -1)
tf.squeeze(x(1, 2, 1), squeeze_dims=[0, 2])
tf.squeeze(x(1, 2, 1), [1])
tf.squeeze(x(1, 2, 1), [3])
tf.squeeze(u(), [0])
tf.squeeze(u())
tf.concat([x(2, 3), x(2, 1)], 1)
tf.concat([x(2, 3), x(2, 1)], -1, name="c")
tf.concat([x(2, 3), x(None, 1)], 1)
tf.concat([x(None, 3), x(2, 3)], 0)
tf.concat([x(2, 3), x(2, 1)], 0)
tf.concat([x(2, 3), x(2)], 0)
tf.concat([x(2, 3)], 0)
tf.concat(x(2, 3), 0)
tf.concat([[1, 2], [3]], 0)
tf.concat([v(2), [3]], 0)
tf.concat([x(), x()], 0)
tf.concat([x(2, 3), u()], 1)
tf.concat([u(), u()], 0)
tf.concat([x(2), x(3)], 1)
tf.concat([x(2, 3), x(2, 1)], xi())
tf.concat([x(2), vi(3)], 0)
tf.concat(0, [v(2), v(2)])
tf.concat([["a"], ["b"]], axis=0)
tf.stack([x(2), x(2)])
tf.stack([x(2), x(2)], axis=1)
tf.stack([x(2), x(2)], axis=-1, name="s")
tf.stack([x(2), x(3)])
tf.stack([x(2), x(2)], axis=2)
tf.stack([1, 2, 3])
tf.stack([1., tf.constant(2.), 3])
tf.stack([x(2), [1, 2]])
tf.stack([x(None), x(2)])
tf.stack([[1, 2], [3, 4]], axis=1)
tf.stack(x(2, 3))
tf.stack([u(), u()])
tf.parallel_stack([v(2), v(2)])
tf.unstack(x(2, 3))
tf.unstack(x(2, 3), axis=1)
tf.unstack(x(2, 3), num=2, name="us")
tf.unstack(x(None, 3))
tf.unstack(x(None, 3), num=4)
tf.unstack(x(2, 3), num=3)
tf.unstack(x(2, 3), axis=2)
tf.unstack(u())
tf.unstack(v(0, 2))
tf.unstack([1, 2, 3])
tf.split(x(4, 6), 2)
tf.split(x(4, 6), 3, axis=1)
tf.split(x(4, 6), 3, 1, name="sp")
tf.split(x(4, 6), 4, 1)
tf.split(x(4, 6), [1, 5], 1)
tf.split(x(4, 6), [1, -1], -1)
tf.split(x(4, 6), [1, 4], 1)
tf.split(x(4, None), [1, 4], 1)
tf.split(x(4, None), 2, 1)
tf.split(x(4, 6), xi(2), 1)
tf.split(x(4, 6), xi(None), 1)
tf.split(x(4, 6), xi(None), 1, num=3)
tf.split(x(4, 6), [2, 2], 0)[1]
tf.split(v(4, 6), 2, xi())
tf.split(v(2, 6), [2, -1, 1], 1)
tf.split(v(2, 6), [2, -1, -1], 1)
tf.split(x(4, 6), 1)
tf.split(x(4, 6), tf.constant(2), 1)
tf.slice(x(4, 6), [1, 2], [2, -1])
tf.slice(x(4, 6), [1, 2], [2, 3], name="sl")
tf.slice(x(4, None), [1, 2], [2, -1])
tf.slice(x(4, 6), [1, 2], [2, 5])
tf.slice(x(4, 6), [1], [2])
tf.slice(x(4, 6), xi(2), [2, 3])
tf.slice(x(4, 6), xi(2), [2, -1])
tf.slice(x(4, 6), [1, 1], xi(2))
tf.slice(x(4, 6), [1, tf.constant(2)], [2, xi()])
tf.strided_slice(x(4, 6), [0, 1], [2, 6])
tf.strided_slice(x(4, 6), [0, 1], [2, 6], [1, 2], name="ss")
tf.strided_slice(x(4, 6), [0, 5], [2, 0], [1, -2])
tf.strided_slice(x(4, 6), [0, 1], [2, 3], begin_mask=2, shrink_axis_mask=1)
tf.strided_slice(x(4, 6), [0, 1], [2, 3], [0, 1])
tf.strided_slice(x(4, 6), [0, 1, 1], [2, 3, 2])
tf.strided_slice(x(4, 6), [7], [8], shrink_axis_mask=1)
tf.strided_slice(x(4, 6), xi(1), xi(1))
tf.strided_slice(x(4, 6), xi(None), xi(None))
x(4, 6)[0]
x(4, 6)[-1]
x(4, 6)[1:3]
x(4, 6)[:, 2]
x(4, 6)[..., 0]
x(4, 6)[tf.newaxis]
x(4, 6)[:, None, 2:]
x(4, 6)[::2, ::-1]
x(4, 6)[::-1]
x(4, 6)[xi()]
x(4, 6)[xi():]
x(4, 6)[:xi(), 1]
x(4, 6)[xi(), 1:3]
x(4, 6)[tf.constant(1)]
x(4, 6)[np.int64(1)]
x(4, 6)[1, 2]
x(4, 6)[4]
x(4, 6)[1, 2, 3]
x(4, 6)["a"]
x(4, 6)[1.5]
x(4, 6)[..., ...]
x(4, 6)[x(4, 6) > 1.]
x(4, 6)[[1, 2]]
x(4, 6)[:]
x(4, 6)[True]
u()[0]
u()[..., 0]
u()[:, 1]
x(None, 6)[1:]
x(None, 6)[:-1]
x(None, 6)[0, 1:]
x(4, 6)[1:100]
x(4, 6)[-100:2]
x(4, 6)[3:1]
x(4, 6)[tf.constant(1, tf.int64):]
tf.constant([1, 2, 3])[1]
tf.shape(x(None, 3))[0]
tf.shape(x(None, 3))[1:]
tf.transpose(x(2, 3))
tf.transpose(x(2, None, 4), [2, 0, 1])
tf.transpose(x(2, 3, 4), name="t")
tf.transpose(u())
tf.transpose(x(2, 3), [0, 0])
tf.transpose(x(2, 3), [0])
tf.transpose(x(2, 3), xi(2))
tf.transpose(u(), xi(2))
tf.transpose(tf.constant([[1 + 2j, 3]]), conjugate=True)
tf.transpose(x(2, 3), conjugate=True)
tf.matrix_transpose(x(2, 3, 4))
tf.matrix_transpose(x(2, 3))
tf.matrix_transpose(u())
tf.matrix_transpose(x(2))
tf.tile(x(2, 3), [2, 1])
tf.tile(x(2, None), [2, 2], name="ti")
tf.tile(x(2, 3), [2])
tf.tile(x(2, 3), xi(2))
tf.tile(x(2, 3), [-1, 2])
tf.tile(u(), [2, 2])
tf.tile(v(2), [0])
tf.gather(x(4, 3), [0, 2])
tf.gather(x(4, 3), [[0, 2]], axis=1)
tf.gather(x(4, 3), 1)
tf.gather(x(4, 3), xi(None), axis=-1, name="g")
tf.gather(x(4, 3), xi(4, 2), batch_dims=1)
tf.gather(x(4, 3), xi(4, 2), batch_dims=1, axis=1)
tf.gather(x(4, 3), xi(4, 2), batch_dims=-1, axis=1)
tf.gather(x(4, 3), [0], axis=xi())
tf.gather(u(), [0])
tf.gather(x(4, 3), [0], axis=2)
tf.gather(x(), [0])
tf.gather(v(4, 3), [0, 4])
tf.gather(v(4, 3), [[0, 3], [-1, 2]])
tf.gather(v(4, 3), [[0, 2], [0, 3]], axis=1)
tf.gather(v(2, 3), [[0, 2], [1, 0]], batch_dims=1)
tf.gather(v(4, 3), x(2))
tf.gather(v(2, 3, 4), [[0, 2], [1, 0]], batch_dims=1, axis=2)
tf.gather_nd(x(4, 3), [[0, 2]])
tf.gather_nd(x(4, 3), [[0], [1]], name="gn")
tf.gather_nd(x(4, 3, 2), xi(2, None))
tf.gather_nd(x(4, 3), [[0, 2, 1]])
tf.gather_nd(u(), [[0, 2, 1]])
tf.gather_nd(x(4, 3), xi(5, 0))
tf.gather_nd(v(4, 3), [[0, 2], [3, 0]])
tf.gather_nd(v(4, 3), [[0, 2], [4, 0]])
tf.gather_nd(v(4, 3), [[0], [-1]])
tf.gather_nd(v(2, 3), [[1], [2]], batch_dims=1)
tf.gather_nd(v(2, 3), [[[1]], [[2]]], batch_dims=1)
tf.batch_gather(v(2, 3), [[1, 0], [2, 2]])
tf.batch_gather(x(2, 3), xi(2, None))
tf.boolean_mask(v(2, 3), [True, False])
tf.boolean_mask(v(2, 3), [[True, False, True], [False, True, False]])
tf.boolean_mask(x(None, 3), [True, False])
tf.boolean_mask(v(2, 3), [True, False, True], axis=1)
tf.boolean_mask(v(2, 3), [True, False, True])
tf.boolean_mask(v(2, 3), True)
tf.boolean_mask(x(2, 3), tf.placeholder(tf.bool, [None]), name="bm")
tf.boolean_mask(x(2, 3), tf.placeholder(tf.bool))
tf.where([True, False, True])
tf.where(x(2, 3), name="w")
tf.where(u())
tf.where([[True, False], [False, True]])
tf.where([True, False], [1, 2], [3, 4])
tf.where([True, False], v(2, 3), v(2, 3) + 10)
tf.where(True, v(2, 3), v(2, 3) + 10)
tf.where([True, False], x(None, 3), x(2, None))
tf.where([True, False], x(3), x(3))
tf.where([True, False], x(2), x(3))
tf.where([True, False], x(2))
tf.where(tf.placeholder(tf.bool), x(2), x(2))
tf.where(tf.placeholder(tf.bool, [None]), u(), u(), name="sel")
tf.where([[True, False]], v(2, 2), v(2, 2))
tf.where([1, 0], [1, 2], [3, 4])
tf.where_v2([True, False], 1., [[1., 2.], [3., 4.]])
tf.where_v2([True, False])
tf.where_v2(True, x(2, 1), x(1, 3))
tf.one_hot([0, 2], 3)
tf.one_hot([0, 2], 3, dtype=tf.int32)
tf.one_hot([0, 2], 3, on_value=5., off_value=-1.)
tf.one_hot([0, 2], 3, on_value=5)
tf.one_hot([0, 2], 3, on_value=5, dtype=tf.float32)
tf.one_hot([[0, 2], [1, -1]], 3, axis=0)
tf.one_hot([[0, 2], [1, -1]], 3, axis=1)
tf.one_hot([[0, 2], [1, -1]], 3, axis=3)
tf.one_hot([0, 5], 3, on_value=True, off_value=False)
tf.one_hot(xi(None), xi(), name="oh")
tf.one_hot(ui(), 4)
tf.one_hot([0, 2], -3)
tf.one_hot([0., 2.], 3)
tf.one_hot(2, 3)
tf.one_hot([0, 2], 3, on_value=5., off_value=1)
tf.pad(v(2, 3), [[1, 0], [0, 2]])
tf.pad(v(2, 3), [[1, 0], [0, 2]], constant_values=9)
tf.pad(v(2, 3), [[1, 0], [0, 2]], constant_values=9., name="p")
tf.pad(v(2, 3), [[1, 1], [2, 2]], "REFLECT")
tf.pad(v(2, 3), [[2, 1], [0, 3]], "symmetric")
tf.pad(v(2, 3), [[2, 1], [0, 3]], "REFLECT")
tf.pad(v(2, 3), [[2, 1], [0, 3]], "FOO")
tf.pad(x(2, None), [[2, 1], [0, 3]])
tf.pad(x(2, 3), xi(2, 2))
tf.pad(u(), [[1, 1]])
tf.pad(u(), xi(None, 2))
tf.pad(x(2, 3), [[1, 1]])
tf.pad(x(2, 3), [[-1, 1], [0, 0]])
tf.pad(x(2, 3), [[1, 1], [0, xi()]])
tf.pad(vi(2), [[1, 1]])
tf.reverse(v(2, 3), [0])
tf.reverse(v(2, 3), [-1, 0], name="r")
tf.reverse(v(2, 3), [0, 0])
tf.reverse(v(2, 3), [2])
tf.reverse(v(2, 3), 0)
tf.reverse(x(2, None), xi(1))
tf.reverse_sequence(v(2, 3), [2, 1], seq_axis=1, batch_axis=0)
tf.reverse_sequence(v(3, 2), [2, 1], 0, 1)
tf.reverse_sequence(v(2, 3), [2, 4], seq_dim=1)
tf.reverse_sequence(x(2, None, 4), [2, 4], seq_axis=1, name="rs")
tf.reverse_sequence(x(2, 3), [2, 4, 1], seq_axis=1)
tf.reverse_sequence(x(2, 3), [2, 4], seq_axis=0, batch_axis=0)
tf.reverse_sequence(x(2, 3), [2, 4], seq_axis=2)
tf.sequence_mask([1, 3, 2])
tf.sequence_mask([1, 3, 2], 5)
tf.sequence_mask([[1, 3], [2, 0]], 3, tf.float32)
tf.sequence_mask(xi(None), xi(), name="sm")
tf.sequence_mask(3, 5)
tf.meshgrid([1, 2, 3], [4, 5])
tf.meshgrid([1, 2, 3], [4, 5], indexing="ij")
tf.meshgrid(v(2), v(3), v(2), name="mg")
tf.meshgrid([1, 2], [3], indexing="foo")
tf.meshgrid(x(None), x(3))
tf.unique([1, 1, 2, 4, 4, 1])
tf.unique([3, 1, 3], tf.int64, name="un")
tf.unique(["b", "a", "b"])
tf.unique(x(None))
tf.unique(x(2, 3))
tf.unique_with_counts([1, 1, 2, 4, 4, 1])
tf.setdiff1d([1, 2, 3, 4, 5, 6], [1, 3, 5])
tf.setdiff1d([1, 2, 2, 4], [1], tf.int64)
tf.dynamic_partition(v(4), [0, 1, 0, 2], 3)
tf.dynamic_partition(v(2, 3), [1, 0], 2, name="dp")
tf.dynamic_partition(v(2, 2), [[1, 0], [0, 0]], 2)
tf.dynamic_partition(v(4), [0, 1, 0, 3], 3)
tf.dynamic_partition(v(4), [0, 1, 0], 3)
tf.dynamic_partition(x(None, 3), xi(None), 2)
tf.dynamic_stitch([[0, 2], [1, 3]], [v(2, 2), v(2, 2) + 10])
tf.dynamic_stitch([[0, 2], 1], [v(2, 2), v(2)])
tf.dynamic_stitch([[0, 2], [2, 4]], [v(2), v(2)])
tf.dynamic_stitch([xi(None), xi(2)], [x(None, 3), x(2, 3)])
tf.dynamic_stitch([xi(None), xi(2)], [x(None, 3), x(2, 4)])
tf.dynamic_stitch([xi(3)], [x(2, 3)])
tf.broadcast_to([1, 2, 3], [2, 3])
tf.broadcast_to(x(3, 1), [2, 3, 4], name="bt")
tf.broadcast_to(x(3, 1), [2, 4])
tf.broadcast_to(x(3, 1), xi(2))
tf.broadcast_dynamic_shape(tf.shape(x(None, 1)), tf.shape(x(3)))
tf.broadcast_dynamic_shape([2, 1], [3])
tf.broadcast_dynamic_shape([2, 2], [3])
tf.required_space_to_batch_paddings([5, 7], [2, 3])
tf.required_space_to_batch_paddings([5, 7], [2, 3], [[1, 0], [0, 1]])
tf.required_space_to_batch_paddings(xi(2), [2, 3])
tf.space_to_batch(v(1, 2, 2, 1), [[0, 0], [0, 0]], 2)
tf.space_to_batch(v(1, 3, 2, 1), [[0, 1], [2, 0]], 2, name="sb")
tf.space_to_batch_nd(v(1, 2, 4, 1), [2, 2], [[0, 0], [2, 0]])
tf.space_to_batch_nd(v(1, 4, 2), [2], [[0, 0]])
tf.space_to_batch_nd(x(None, 2, 5, 1), [2, 2], [[0, 0], [2, 0]])
tf.space_to_batch_nd(x(1, 2, 5, 1), [2, 2], [[0, 0], [2, 0]])
tf.space_to_batch_nd(x(1, 2, None, 1), [2, 2], [[0, 0], [2, 0]])
tf.batch_to_space(v(4, 1, 1, 1), [[0, 0], [0, 0]], 2)
tf.batch_to_space(v(8, 1, 3, 1), [[0, 0], [2, 0]], 2)
tf.batch_to_space_nd(v(8, 1, 3, 1), [2, 2], [[0, 0], [2, 0]])
tf.batch_to_space_nd(v(6, 1, 3, 1), [2, 2], [[0, 0], [2, 0]])
tf.batch_to_space_nd(x(None, 1, 3, 1), [2, 2], [[0, 0], [2, 0]])
tf.space_to_depth(v(1, 2, 2, 1), 2)
tf.space_to_depth(v(1, 4, 2, 3), 2, name="sd")
tf.space_to_depth(x(1, 4, 3, 3), 2)
tf.space_to_depth(x(None, 3, 4, None), 2, data_format="NCHW")
tf.depth_to_space(v(1, 1, 1, 4), 2)
tf.depth_to_space(v(1, 2, 1, 8), 2)
tf.depth_to_space(x(1, 2, 1, 6), 2)
tf.depth_to_space(x(1, 8, None, 6), 2, data_format="NCHW")
tf.diag([1., 2.])
tf.diag(v(2, 2))
tf.diag_part(v(3, 3))
tf.diag_part(v(2, 2, 2, 2))
tf.diag_part(x(2, 3))
tf.diag_part(x(2, 3, 2))
tf.diag(u())
tf.matrix_diag(v(2, 3))
tf.matrix_diag(x(None, 3), name="md")
tf.matrix_diag_part(v(2, 2, 3))
tf.matrix_diag_part(x(None, 2, 3))
tf.matrix_diag_part(v(2, 3), k=1)
tf.matrix_diag(v(2), k=1)
tf.matrix_diag(v(2), k=-1, num_rows=3, num_cols=4, padding_value=7)
tf.matrix_set_diag(v(2, 3, 3), v(2, 3) + 100)
tf.matrix_set_diag(v(2, 3), v(2) + 100)
tf.matrix_set_diag(v(2, 3), v(3) + 100)
tf.matrix_band_part(v(3, 4), 1, 0)
tf.matrix_band_part(v(3, 4), -1, 1)
tf.matrix_band_part(v(2, 3, 4), 0, -1, name="bp")
tf.matrix_band_part(v(3, 4), 4, 0)
tf.matrix_band_part(x(3), 1, 0)
tf.scatter_nd([[1], [3]], v(2), [4])
tf.scatter_nd([[1], [1]], v(2, 3), [2, 3], name="sn")
tf.scatter_nd([[0, 1], [2, 2]], v(2), [3, 3])
tf.scatter_nd([[4]], v(1), [4])
tf.scatter_nd([[1], [3]], v(3), [4])
tf.scatter_nd(xi(2, 1), x(2, 3), xi(2))
tf.scatter_nd([[1], [3]], x(2, 3), [4, 2])
tf.scatter_nd([[1], [3]], ["a", "b"], [4])
tf.tensor_scatter_update(v(4), [[1], [3]], v(2) + 10)
tf.tensor_scatter_update(v(4), [[1], [4]], v(2) + 10)
tf.tensor_scatter_add(v(4), [[1], [1]], v(2) + 10)
tf.tensor_scatter_sub(v(2, 3), [[1]], v(1, 3) + 10)
tf.tensor_scatter_nd_update(x(4, None), [[1], [3]], x(2, 3))
tf.invert_permutation([3, 4, 0, 2, 1])
tf.invert_permutation([3, 4, 0, 2])
tf.invert_permutation([0, 0])
tf.invert_permutation(xi(None))
tf.searchsorted([1, 3, 5], [0, 3, 6])
tf.searchsorted([1, 3, 5], [0, 3, 6], side="right")
tf.searchsorted([[1., 3.], [2., 4.]], [[2.], [2.]], out_type=tf.int64)
tf.searchsorted([1, 3, 5], [0, 3, 6], side="foo")
tf.roll(v(5), 2, 0)
tf.roll(v(2, 3), [1, -1], [0, 1])
tf.roll(v(2, 3), [1, 4], [1, 1], name="ro")
tf.roll(v(2, 3), 1, 2)
tf.roll(x(2, None), xi(), xi())
tf.repeat(["a", "b", "c"], repeats=[3, 0, 2], axis=0)
tf.repeat(v(2, 2), repeats=2)
tf.repeat(v(2, 2), repeats=2, axis=1)
tf.repeat(v(2, 2), [1, 2], axis=0, name="rp")
tf.repeat(3, 4)
tf.nn.top_k(v(2, 3))
tf.nn.top_k([[1., 3., 3.], [2., 2., 0.]], 2)
tf.nn.top_k(v(2, 3), 4)
tf.nn.top_k(x(2, None), xi(), name="tk")
tf.nn.top_k(x(), 1)
tf.nn.in_top_k([[.1, .2, .3], [.3, .3, .1]], [1, 1], 1)
tf.nn.in_top_k([[.1, .2, .3], [.3, .3, .1]], [1, 3], 2, name="itk")
tf.nn.in_top_k([[.1, float("nan"), .3], [.3, float("inf"), .1]], [0, 1], 2)
tf.nn.in_top_k(x(2, 3), xi(3), 2)
tf.check_numerics(v(2), "bad")
tf.check_numerics([1., float("nan")], "bad", name="cn")
tf.check_numerics([1., float("inf")], "bad")
tf.check_numerics([float("nan"), float("inf")], "bad")
tf.verify_tensor_all_finite(v(2), "bad")
tf.verify_tensor_all_finite(x(2), "bad", name="ver")
tf.guarantee_const(v(2))
tf.bitcast(v(2), tf.int32)
tf.bitcast(v(2), tf.uint8)
tf.bitcast(np.array([[0, 0, 128, 63], [0, 0, 0, 64]], np.uint8), tf.float32)
tf.bitcast(x(2, 3), tf.float64)
tf.bitcast(x(2, 2), tf.float64)
tf.bitcast(u(), tf.int32, name="bc")
tf.ensure_shape(x(None, 3), [2, None])
tf.ensure_shape(v(2, 3), [2, 4])
tf.ensure_shape(tf.placeholder_with_default(v(2, 3), None), [2, 4])
tf.ensure_shape(u(), [2, None], name="es")
tf.edit_distance(tf.SparseTensor([[0, 0], [0, 1]], ["a", "b"], [1, 2]), tf.SparseTensor([[0, 0]], ["a"], [1, 1]))
tf.raw_ops.UniqueV2(x=[[1, 2], [1, 2], [3, 4]], axis=[0])
tf.raw_ops.UniqueWithCountsV2(x=[[1, 2], [1, 2], [3, 4]], axis=[0])
tf.raw_ops.ConcatOffset(concat_dim=1, shape=[[2, 3], [2, 5], [2, 1]])
tf.raw_ops.BroadcastArgs(s0=[2, 1], s1=[3])
tf.raw_ops.Concat(concat_dim=0, values=[v(2), v(1)])
tf.raw_ops.Gather(params=v(4, 2), indices=[3, 0])
tf.raw_ops.Reverse(tensor=v(2, 3), dims=[False, True])
tf.raw_ops.MirrorPadGrad(input=v(4, 5), paddings=[[1, 1], [1, 1]], mode="REFLECT")
tf.raw_ops.StridedSliceGrad(shape=[4, 3], begin=[1, 0], end=[3, 1], strides=[1, 1], dy=v(2), shrink_axis_mask=2)
tf.raw_ops.ParallelDynamicStitch(indices=[[0, 2], [1, 3]], data=[v(2), v(2)])
tf.raw_ops.InTopK(predictions=[[.1, .2]], targets=[1], k=1)
tf.raw_ops.LowerBound(sorted_inputs=[[1, 2, 2, 5]], values=[[2, 6]])
tf.raw_ops.UpperBound(sorted_inputs=[[1, 2, 2, 5]], values=[[2, 6]])
tf.raw_ops.MatrixDiagV2(diagonal=v(2, 3), k=[-1, 0], num_rows=3, num_cols=3, padding_value=0.)
tf.raw_ops.MatrixDiagPartV2(input=v(3, 4), k=[-1, 1], padding_value=9.)
tf.raw_ops.MatrixSetDiagV2(input=v(3, 4), diagonal=v(3, 3) + 100, k=[-1, 1])
tf.raw_ops.Empty(shape=[2], dtype=tf.int32, init=True)
tf.raw_ops.Snapshot(input=v(2))
tf.raw_ops.DeepCopy(x=v(2))
tf.raw_ops.PreventGradient(input=v(2), message="no")
tf.convert_to_tensor([1, xi()])
tf.convert_to_tensor([[1., x()], [2., 3.]])
tf.convert_to_tensor([x(2), x(2)])
tf.convert_to_tensor([x(2), [1., 2.]])
tf.convert_to_tensor((xi(), 2, xi()), name="foo")
tf.convert_to_tensor([xi(), 2.5])
tf.convert_to_tensor([1, tf.constant(2)], dtype=tf.float32)
tf.convert_to_tensor([[xi(), 1], [2, xi()]])
tf.reshape(x(4, 6), [xi(), -1])
tf.reshape(x(4, 6), [-1, tf.shape(x(None, 3))[1]])
tf.reshape(x(4, 6), [[2, xi()], [1, 1]])
tf.group()
tf.group(tf.no_op(), x(2), name="gr")
tf.group(tf.no_op(), tf.no_op())
tf.group([tf.no_op(), [x(2)]])
tf.group(3)
tf.group(None, tf.no_op())
tf.tuple([x(2), x(3)])
tf.tuple([x(2), None], name="tu", control_inputs=[tf.no_op()])
tf.tuple([None])
tf.tuple(3)
tf.no_op()
tf.no_op(name="n")
""".strip().splitlines()


def helpers(tf, np):
    """Returns the names that the expressions use, for a given TensorFlow."""

    def values(*shape):
        return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)

    return {
        "tf": tf,
        "np": np,
        "x": lambda *shape: tf.placeholder(tf.float32, list(shape), name="x"),
        "xi": lambda *shape: tf.placeholder(tf.int32, list(shape), name="xi"),
        "u": lambda: tf.placeholder(tf.float32, name="u"),
        "ui": lambda: tf.placeholder(tf.int32, name="ui"),
        "v": values,
        "vi": lambda *shape: values(*shape).astype(np.int32),
    }


def plain(value):
    """Turns arrays into lists, tagged with their dtype."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None:
        return None
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind == "f":
        data = json.loads(json.dumps(array.astype(float).tolist()).replace("NaN", '"nan"').replace("Infinity", '"inf"'))
    elif array.dtype.kind == "c":
        data = [array.real.tolist(), array.imag.tolist()]
    elif array.dtype.kind in "OS":
        data = np.vectorize(lambda b: b.decode("latin1") if isinstance(b, bytes) else str(b), otypes=[object])(array).tolist()
    else:
        data = array.tolist()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def shape_list(tensor):
    shape = tensor.shape
    return None if shape.ndims is None else shape.as_list()


def record(tf, np, text):
    """Returns what becomes of one expression."""
    graph = tf.Graph()
    with graph.as_default():
        try:
            result = eval(text, helpers(tf, np))
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)[:300]}
        entry = {
            "nodes": [
                [op.name, op.type, [t.name for t in op.inputs], [c.name for c in op.control_inputs]]
                for op in graph.get_operations()
            ],
        }
        flat = list(result) if isinstance(result, (list, tuple)) else [result]
        tensors = [t for t in flat if isinstance(t, tf.Tensor)]
        entry["shapes"] = [shape_list(t) for t in tensors]
        if any(op.type == "Placeholder" for op in graph.get_operations()):
            return entry
        with tf.Session() as session:
            try:
                entry["values"] = [plain(v) for v in session.run(tensors)]
            except tf.errors.OpError as error:
                entry["fails"] = type(error).__name__
                entry["message"] = error.message.splitlines()[0][:300]
    return entry


def main():
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    out = {text: record(tf, np, text) for text in EXPRESSIONS}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(json.dumps(k) + ": " + json.dumps(v) for k, v in out.items()) + "\n}\n")


if __name__ == "__main__":
    main()
