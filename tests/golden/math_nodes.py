"""Records what TF 1.15 makes of small expressions of arithmetic: nodes, shapes, values, errors.

    python tests/golden/math_nodes.py

Each expression is evaluated in a fresh graph; the tests evaluate the same strings with Millstream.
`x(2, None)` is a float32 placeholder, `xi` one of int32, `xb` of bool, `xc` of complex64, `u()` one
of unknown rank. `d(values)` is a float32 array whose shape is hidden from the graph, `di` one of
int32, `dt(values, dtype)` one of any type. `g(y, xs…)` gives the gradients of the sum of y.
"""

import json
import os

EXPRESSIONS = """
x(2, 3) + 1
1 + x(2, 3)
x(2, 3) + x(3)
x(2, 3) + x(4)
x(2, 3) + [1, 2, 3]
[1, 2, 3] + x(2, 3)
np.ones(3) + x(2, 3)
x(2, 3) * np.float64(3)
np.float64(3) * x(2, 3)
x(2, 3) - 1
1 - x(2, 3)
x(2, 3) + None
x(2, 3) + "a"
x(2, 3) + xi(2, 3)
xi(2) + 1.5
1.5 + xi(2)
tf.constant("a") + "b"
tf.add(tf.constant(["a", "b"]), "c")
xi(2) / 2
2 / xi(2)
x(2) / 2
1 / x(2)
x(2) / xi(2)
tf.placeholder(tf.uint8, [2]) / 2
xb(2) / True
xi(2) // 2
7 // xi(2)
xi(2) % 2
7 % xi(2)
x(2) ** 2
2. ** x(2)
-x(2)
-xb(2)
abs(x(2))
abs(xc(2))
x(2) < 1
2 < x(2)
x(2) <= np.float64(2)
x(2) > x(3)
x(2) >= 1
x(2) == x(2)
~xb(2)
~x(2)
xb(2) & xb(2)
True & xb(2)
xb(2) | True
True | xb(2)
xb(2) ^ xb(2)
True ^ xb(2)
xi(2) & xi(2)
xb(2) * 2
x(2, 3) @ x(3, 2)
np.ones((3, 2), np.float32) @ x(2, 3)
tf.add(x(2), 1.)
tf.add(x(2), xi(2))
tf.subtract(x(2), 1., name="q")
tf.multiply(1., x(2))
tf.divide(xi(2), 2)
tf.divide(x(2), 2, name="q")
tf.div(xi(2), 2)
tf.div(x(2), 2.)
tf.truediv(xi(2), 3)
tf.truediv(x(2), 3)
tf.div(x(2), 3)
tf.div_no_nan(x(2), 3)
tf.floordiv(x(2), 3)
tf.floor_div(x(2), 3)
tf.realdiv(x(2), 3.)
tf.div_no_nan(x(2), 3.)
tf.mod(xi(2), 3)
tf.floormod(xi(2), 3)
tf.truncatemod(xi(2), 3)
tf.truncatediv(xi(2), 3)
tf.negative(x(2))
tf.pow(x(2), 2)
tf.pow(2., x(2))
tf.square(2.)
tf.abs(xc(2))
tf.abs("a")
tf.log(xi(2))
tf.real(xc(2))
tf.imag(xc(2), name="q")
tf.angle(xc(2))
tf.conj(xc(2))
tf.conj("a")
tf.imag(x(2))
tf.angle(x(2, None))
tf.complex(x(2), 0.)
tf.complex(x(2), xi(2))
tf.round(x(2))
tf.sigmoid(3.)
tf.tanh(3., name="q")
tf.log_sigmoid(x(2))
tf.logical_xor(xb(2), xb(2))
tf.logical_not(xb(2))
tf.logical_and(xb(2), True)
tf.equal(x(2), 1.)
tf.not_equal(x(2), x(3))
tf.maximum(x(2), 0)
tf.minimum(xi(2), xi(3, 1))
tf.squared_difference(x(2), 1.)
tf.math.xdivy(1., x(2))
tf.math.reciprocal_no_nan(x(2))
tf.math.polyval([1., 2., 3.], x(2))
tf.math.polyval([], x(2))
tf.math.bessel_i0(x(2))
tf.math.bessel_i1(x(2))
tf.bitwise.bitwise_and(xi(2), 3)
tf.bitwise.invert(xi(2))
tf.cast(3, tf.float32)
tf.cast(np.arange(3), tf.float32)
tf.cast(xi(2), tf.float32, name="q")
tf.cast(xi(2), tf.int32) + 1
tf.to_float(xi(2))
tf.to_int32(x(2))
tf.to_int64(x(2), name="q")
tf.to_double(x(2))
tf.saturate_cast(x(2), tf.uint8)
tf.saturate_cast(xi(2), tf.int64)
tf.saturate_cast(tf.placeholder(tf.uint8, [2]), tf.int8)
tf.scalar_mul(3., x(2))
tf.scalar_mul([1., 2.], x(2))
tf.scalar_mul(3., tf.IndexedSlices(x(2, 3), xi(2))).values
tf.add_n([x(2), x(2)])
tf.add_n([])
tf.add_n([x(2), xi(2)])
tf.add_n([x(2), x(3)])
tf.add_n([x(2)], name="q")
tf.add_n([tf.IndexedSlices(x(2, 3), xi(2), tf.constant([5, 3])), x(5, 3)])
tf.accumulate_n([x(2), x(2)])
tf.accumulate_n([x(2)], name="q")
tf.reduce_sum(x(2, 3))
tf.reduce_sum(x(2, 3), 1)
tf.reduce_sum(x(2, 3), [0, 1], keepdims=True)
tf.reduce_sum(x(2, 3), reduction_indices=[1], keep_dims=True)
tf.reduce_sum(x(2, 3), axis=1, reduction_indices=1)
tf.reduce_sum(x(2, 3), 2)
tf.reduce_sum(u())
tf.reduce_sum(u(), -1)
tf.reduce_sum(x(2, 3), (0, 1))
tf.reduce_sum(x(2, 3), [])
tf.reduce_sum([1., 2.])
tf.reduce_sum(x(None, 3), xi())
tf.reduce_mean(x(2, 3), name="q")
tf.reduce_mean(x())
tf.reduce_max(x(2, 3), 0)
tf.reduce_min(x(2, 3), [-1])
tf.reduce_prod(x(None, 3))
tf.reduce_all(xb(2))
tf.reduce_any(xb(2, 3), 1)
tf.reduce_all(x(2))
tf.reduce_logsumexp(x(2, 3), 1)
tf.reduce_logsumexp(x(2, 3), keepdims=True)
tf.reduce_logsumexp(u(), 0)
tf.reduce_logsumexp(u())
tf.math.reduce_euclidean_norm(x(2, 3), 1)
tf.math.reduce_variance(x(2, 3))
tf.math.reduce_std(x(2, 3), 1)
tf.count_nonzero(x(2, 3))
tf.count_nonzero(x(2, 3), 1, keepdims=True, dtype=tf.int32)
tf.count_nonzero(tf.placeholder(tf.string, [2]))
tf.count_nonzero(xb(2))
tf.argmax(x(2, 3), 1)
tf.argmax(x(2, 3))
tf.argmax(x(2, 3), -1, output_type=tf.int32)
tf.argmax(x(2, 3), dimension=1)
tf.argmax(x(2, 3), xi())
tf.argmax(x(2, 3), 5)
tf.arg_max(x(2, 3), 1)
tf.argmin(x(2, 3), 0, "q")
tf.cumsum(x(2, 3))
tf.cumsum(x(2, 3), 1, True, True)
tf.cumsum([1., 2.], exclusive=True)
tf.cumprod(x(2, 3), name="q")
tf.math.cumulative_logsumexp(x(2, 3))
tf.range(5)
tf.range(1, 5)
tf.range(1, 5, 2)
tf.range(1., 5)
tf.range(5, dtype=tf.float32)
tf.range(xi())
tf.range(tf.placeholder(tf.int64, []))
tf.range(np.int64(3), 7)
tf.range(xi(), 3.5)
tf.range(tf.shape(x(2, 3))[0])
tf.range(start=2, limit=9, name="r")
tf.range(10, 0, -3)
tf.range(10, 0, 0)
tf.range(10, 0, 1)
tf.range(0., 1., .1)
tf.linspace(0., 1., 5)
tf.lin_space(0., 1., num=5, name="w")
tf.linspace(0, 1, 5)
tf.linspace(0., 1., 0)
tf.matmul(x(2, 3), x(3, 4))
tf.matmul(xc(2, 3), xc(2, 3), adjoint_b=True)
tf.matmul(xc(2, 3), xc(2, 3), transpose_b=True)
tf.matmul(x(2, 3), x(3, 4), transpose_a=True, adjoint_a=True)
tf.matmul(x(2, 3, 4), x(2, 4, 5))
tf.matmul(x(2, 3, 4), x(4, 5))
tf.matmul(x(2, 3, 4), x(2, 5, 4), transpose_b=True)
tf.matmul(xc(2, 3, 4), xc(2, 5, 4), transpose_b=True)
tf.matmul(u(), x(2, 3))
tf.matmul(x(2, 3), x(3, 2), a_is_sparse=True)
tf.matmul([[1., 2.]], [[1.], [2.]])
tf.matmul(tf.placeholder(tf.bfloat16, [2, 3]), x(3, 2))
tf.matmul(x(2, 3), x(2, 3))
tf.matmul(x(3), x(3, 2))
tf.matmul(x(2, 3, 4), x(3, 4, 5))
tf.cross(x(2, 3), x(2, 3))
tf.cross(x(2, 4), x(2, 4))
tf.sparse_matmul(x(2, 3), x(3, 2))
tf.tensordot(x(2, 3), x(3, 4), 1)
tf.tensordot(x(2, 3, 4), x(4, 3, 5), [[1, 2], [1, 0]])
tf.tensordot(x(2), x(3), 0)
tf.tensordot(x(None, 3), x(3, 4), 1)
tf.tensordot(x(None, None, 3), x(3, 4), [[2], [0]])
tf.tensordot(u(), x(3, 4), 1)
tf.tensordot(x(2, 3), x(4, 3), [[-1], [-1]])
tf.tensordot(x(2, 3), x(4, 3), [[0, 1], [0]])
tf.linalg.matvec(x(2, 3), x(3))
tf.bincount(xi(4))
tf.bincount(xi(4), weights=x(4), minlength=3, maxlength=8)
tf.bincount(xi(4), maxlength=8, dtype=tf.float32)
tf.bincount([1, 2, 3])
tf.histogram_fixed_width(x(2, 3), [0., 1.], nbins=5)
tf.histogram_fixed_width_bins(x(2, 3), [0., 1.], nbins=5)
tf.unsorted_segment_mean(x(4, 3), xi(4), 5)
tf.unsorted_segment_sqrt_n(x(4, 3), xi(4), 5)
tf.unsorted_segment_sum(x(4, 3), xi(4), 5)
tf.unsorted_segment_max(x(4, 3), xi(4), -1)
tf.segment_sum(x(4, 3), xi(4))
tf.sparse_segment_sum(x(4, 3), xi(2), xi(2))
tf.sparse_segment_mean(x(4, 3), xi(2), xi(2), num_segments=3)
tf.betainc(x(2, 3), x(2, 3), 0.5)
tf.lbeta(x(2, 3))
tf.convert_to_tensor(tf.IndexedSlices(x(2, 3), xi(2), tf.constant([5, 3])), name="q")
tf.eye(3)
tf.eye(3, 4)
tf.eye(2, batch_shape=[5])
tf.eye(xi())
tf.eye(3, dtype=tf.int32, name="q")
tf.eye(2, batch_shape=xi(2))
tf.norm(x(2, 3))
tf.norm(x(2, 3), axis=1)
tf.norm(x(2, 3), 1, axis=1)
tf.norm(x(2, 3), np.inf)
tf.norm(x(2, 3), 3, axis=1, keepdims=True)
tf.norm(x(2, 3), "fro", axis=[0, 1])
tf.norm(x(2, 3), 1, axis=[0, 1])
tf.norm(x(2, 3), np.inf, axis=[-2, -1])
tf.norm(x(2, 3), "foo")
tf.norm(x(2, 3), -1)
tf.norm(x(2, 3), axis=[0, 1, 2])
tf.norm(x(2, 3), 3, axis=[0, 1])
tf.norm(dt([3 + 4j, 1], "complex64"))
tf.norm(d([3., -4.]), 1.5)
tf.linalg.normalize(x(2, 3))
tf.sort(x(2, 3))
tf.sort(x(2, 3), axis=0, direction="DESCENDING")
tf.sort(u())
tf.sort(x(2), direction="x")
tf.sort(d([[3., 1., 2.], [1., 5., 4.]]), axis=0)
tf.sort(di([3, 1, 2]), direction="DESCENDING", name="q")
tf.argsort(x(2, 3))
tf.argsort(x(2, 3), axis=0)
tf.argsort(di([3, 1, 3, 1]))
tf.argsort(di([3, 1, 3, 1]), direction="DESCENDING")
tf.trace(x(2, 3))
tf.trace(d([[1., 2.], [3., 4.]]))
tf.linalg.matvec(d([[1., 2.], [3., 4.]]), [1., 1.])
tf.maximum(d([NAN, 1., 2.]), d([1., NAN, 1.]))
tf.minimum(d([NAN, 1., 2.]), d([1., NAN, 1.]))
tf.raw_ops.Div(x=di([7, -7, 7, -7]), y=di([3, 3, -3, -3]))
tf.floordiv(di([7, -7, 7, -7]), di([3, 3, -3, -3]))
tf.floordiv(d([7, -7, 7, -7, 1]), d([3, 3, -3, -3, .1]))
tf.truncatediv(di([7, -7, 7, -7]), di([3, 3, -3, -3]))
tf.mod(di([7, -7, 7, -7]), di([3, 3, -3, -3]))
tf.mod(d([7, -7, 7, -7, 1, -1, 0]), d([3, 3, -3, -3, INF, INF, 2]))
tf.truncatemod(di([7, -7, 7, -7]), di([3, 3, -3, -3]))
tf.truncatemod(d([7, -7, 7, -7, 1]), d([3, 3, -3, -3, INF]))
tf.floordiv(di([1, 2]), di([0, 1]))
tf.mod(di([1, 2]), di([0, 1]))
tf.floordiv(d([1., -1., 0., NAN]), d([0., 0., 0., 1.]))
tf.div_no_nan(d([1., NAN, 3.]), d([0., 0., 2.]))
tf.math.multiply_no_nan(d([1., NAN, INF]), d([0., 0., 2.]))
tf.math.xdivy(d([0., 0., 1.]), d([0., NAN, 0.]))
tf.math.xlogy(d([0., 0., 1.]), d([0., NAN, 0.]))
tf.pow(di([2, -3, 0]), di([3, 3, 0]))
tf.pow(di([2, 3]), di([-1, 2]))
tf.pow(d([0., -8., -2., NAN, 1., 0., 4.]), d([0., .3, 2., 0., NAN, -1., .5]))
tf.pow(di([50000]), 3)
tf.round(d([.5, 1.5, 2.5, -1.5, NAN, INF, 2.4999]))
tf.rint(d([.5, 1.5, 2.5, -1.5, NAN, INF, 2.4999]))
tf.sign(d([NAN, 0., INF, -3.]))
tf.sign(di([-3, 0, 4]))
tf.sign(dt([3 + 4j, 0], "complex64"))
tf.cast(d([1.9, -1.9, 300.7, -300.7, 1e10, -1e10, 1e20, NAN, INF]), tf.int8)
tf.cast(d([1.9, -1.9, 300.7, -300.7, 1e10, -1e10, 1e20, NAN, INF]), tf.uint8)
tf.cast(d([1.9, -1.9, 300.7, -300.7, 1e10, -1e10, 1e20, NAN, INF]), tf.int16)
tf.cast(d([1.9, -1.9, 300.7, -300.7, 1e10, -1e10, 1e20, NAN, INF]), tf.int32)
tf.cast(d([1.9, -1.9, 300.7, -300.7, 1e10, -1e10, 1e20, NAN, INF]), tf.int64)
tf.cast(d([1.9, -1.9, 300.7, -300.7, 1e10, -1e10]), tf.uint32)
tf.cast(d([1.9, -1.9, 300.7, -300.7, 1e10, -1e10]), tf.uint64)
tf.cast(d([1.9, 0., NAN]), tf.bool)
tf.cast(d([1.9, 70000., -1e-9]), tf.float16)
tf.cast(di([300, -1, 2147483647]), tf.uint8)
tf.cast(dt([1099511627781, -1], "int64"), tf.int32)
tf.cast(dt([1.5 + 2j], "complex64"), tf.int32)
tf.cast(dt([0, 1j], "complex64"), tf.bool)
tf.cast(tf.cast(d([1.00390625, 3.14159]), tf.bfloat16), tf.float32)
tf.cast(tf.raw_ops.Cast(x=d([1.00390625, 3.14159]), DstT=tf.bfloat16, Truncate=True), tf.float32)
tf.raw_ops.Cast(x=d([1.00390625, 3.14159, 65520.]), DstT=tf.float16, Truncate=True)
tf.raw_ops.Cast(x=tf.constant(["a"]), DstT=tf.float32)
tf.bitwise.left_shift(di([1, 1, 1, -1]), di([31, 32, -1, 4]))
tf.bitwise.right_shift(di([-8, 8, -1, 8]), di([1, 33, 40, -1]))
tf.raw_ops.PopulationCount(x=di([-1, 0, 255]))
tf.lgamma(d([0., -1., -.5, 3.]))
tf.digamma(d([0., -1., -.5, 3.]))
tf.sigmoid(d([-100., 100., 0., -88.8]))
tf.raw_ops.ApproximateEqual(x=d([1., 2., NAN]), y=d([1.000005, 2.1, NAN]))
tf.raw_ops.Equal(x=d([1., 2.]), y=d([1., 2., 3.]), incompatible_shape_error=False)
tf.angle(dt([1 + 1j, -1, 0], "complex64"))
tf.reciprocal(d([0., INF, 2.]))
tf.squared_difference(dt([1 + 2j], "complex64"), dt([3 - 1j], "complex64"))
tf.raw_ops.SqrtGrad(y=dt([1 + 2j], "complex64"), dy=dt([1 + .5j], "complex64"))
tf.raw_ops.RsqrtGrad(y=dt([1 + 2j], "complex64"), dy=dt([1 + .5j], "complex64"))
tf.raw_ops.ReciprocalGrad(y=dt([1 + 2j], "complex64"), dy=dt([1 + .5j], "complex64"))
tf.raw_ops.SigmoidGrad(y=dt([1 + 2j], "complex64"), dy=dt([1 + .5j], "complex64"))
tf.raw_ops.TanhGrad(y=dt([1 + 2j], "complex64"), dy=dt([1 + .5j], "complex64"))
tf.reduce_max(d([NAN, 1., 2.]))
tf.reduce_max(d([[NAN, 1., 2.], [NAN, NAN, NAN]]), 1)
tf.reduce_min(d([[1., NAN, 2.], [NAN, NAN, NAN]]), 1)
tf.argmax(d([1., NAN, 2.]))
tf.argmin(d([3., NAN, 2.]))
tf.argmax(di([1, 3, 3, 1]))
tf.argmin(di([1, 3, 3, 1]))
tf.argmax(d(np.zeros((0, 3))), 0)
tf.reduce_max(d(np.zeros((0, 3))), 0)
tf.reduce_max(di(np.zeros((0, 3))), 0)
tf.reduce_min(di(np.zeros((0, 3))), 0)
tf.reduce_mean(d(np.zeros((0, 3))), 0)
tf.reduce_mean(di(np.zeros((0, 3))), 0)
tf.reduce_prod(d(np.zeros((0, 3))), 0)
tf.reduce_all(dt(np.zeros(0), "bool"))
tf.reduce_any(dt(np.zeros(0), "bool"))
tf.reduce_mean(di([1, 2, 2]))
tf.reduce_mean(di([-1, -2, -2]))
tf.reduce_mean(dt([200, 100], "uint8"))
tf.math.reduce_euclidean_norm(di([1, 2, 3]))
tf.math.reduce_euclidean_norm(dt([3 + 4j, 1], "complex64"))
tf.reduce_sum(d([[1., 2.]]), di([0, 0]))
tf.reduce_sum(d([[1., 2.]]), di([2]))
tf.range(d(0.), d(1.), d(.1))
tf.range(di(10), 0, 0)
tf.range(di(10), 0)
tf.linspace(d(.1), d(.7), 7)
tf.linspace(d(0.), d(1.), di(0))
tf.cumsum(d([1., 2., 3.]), exclusive=True)
tf.cumsum(d([1., 2., 3.]), exclusive=True, reverse=True)
tf.cumsum(d([1., 2., 3.]), di(5))
tf.cumprod(di([2, 3, 4]), reverse=True)
tf.math.cumulative_logsumexp(d([1., 2., 3.]), exclusive=True)
tf.math.cumulative_logsumexp(d([1., 2., 3.]), reverse=True)
tf.bincount(di([1, 1, 5]), maxlength=3)
tf.bincount(di([1, -1, 5]), maxlength=3)
tf.bincount(di([0, 2, 2]), weights=d([.5, 1.5, 1.]))
tf.bincount(di([]), minlength=2)
tf.histogram_fixed_width(d([-1., 0., .1, .5, 1., 5.]), [0., 1.], 5)
tf.histogram_fixed_width(d([-1.]), [1., 0.], 5)
tf.histogram_fixed_width_bins(d([-1., 0., .1, .5, 1., 5.]), [0., 1.], 5)
tf.segment_sum(d([1., 2., 3.]), di([0, 0, 2]))
tf.segment_mean(d([1., 2., 3.]), di([0, 0, 2]))
tf.segment_prod(d([1., 2., 3.]), di([0, 0, 2]))
tf.segment_max(d([1., 2., 3.]), di([0, 0, 2]))
tf.segment_min(d([[1., 2.], [3., 1.]]), di([0, 0]))
tf.segment_sum(d([1., 2., 3.]), di([0, 2, 1]))
tf.segment_sum(d([1., 2., 3.]), di([0, 1]))
tf.segment_sum(d([1., 2., 3.]), di([1, 2, 3]))
tf.unsorted_segment_sum(d([1., 2., 3.]), di([0, -1, 2]), 4)
tf.unsorted_segment_max(d([1., 2., 3.]), di([0, -1, 2]), 4)
tf.unsorted_segment_min(di([1, 2, 3]), di([0, -1, 2]), 4)
tf.unsorted_segment_prod(d([1., 2., 3.]), di([0, -1, 2]), 4)
tf.unsorted_segment_sum(d([1., 2., 3.]), di([0, 9, 2]), 4)
tf.unsorted_segment_sum(d([1., 2., 3.]), di([0, 2]), 4)
tf.unsorted_segment_sum(d([[1., 2.], [3., 4.]]), di([[0, 1], [1, 0]]), 2)
tf.unsorted_segment_mean(tf.constant([[1., 2.], [3., 4.], [5., 6.]]), tf.constant([0, 2, 2]), 4)
tf.sparse_segment_sum(d([[1., 2.], [3., 4.]]), di([0, 1, 0]), di([0, 0, 2]))
tf.sparse_segment_mean(d([[1., 2.], [3., 4.]]), di([0, 1, 0]), di([0, 0, 2]))
tf.sparse_segment_sqrt_n(d([[1., 2.], [3., 4.]]), di([0, 1, 0]), di([0, 0, 2]))
tf.sparse_segment_sum(d([[1., 2.], [3., 4.]]), di([0, 1]), di([0, 1]), num_segments=4)
tf.sparse_segment_sum(d([[1., 2.], [3., 4.]]), di([0, 1]), di([0, 4]), num_segments=3)
tf.sparse_segment_sum(d([[1., 2.], [3., 4.]]), di([0, 1]), di([1, 0]))
g(tf.sparse_segment_mean(f0, [0, 2, 2], [0, 0, 1]), f0)
g(tf.sparse_segment_sqrt_n(f0, [0, 2, 2], [0, 0, 1]), f0)
tf.raw_ops.BroadcastGradientArgs(s0=di([2, 1, 3]), s1=di([3]))
tf.raw_ops.BroadcastGradientArgs(s0=di([1, 1, 3]), s1=di([1, 3]))
tf.raw_ops.BroadcastGradientArgs(s0=di([2, 3]), s1=di([2, 3]))
tf.raw_ops.BroadcastGradientArgs(s0=di([2]), s1=di([3]))
tf.broadcast_dynamic_shape(di([2, 1]), di([3]))
tf.matmul(d(np.zeros((2, 0))), d(np.zeros((0, 3))))
tf.matmul(d(np.ones((2, 1, 3, 4))), d(np.ones((5, 4, 2))))
tf.igamma(d([1., -1., 0., 3.]), d([2., 1., 1., 40.]))
tf.igammac(d([1., -1., 0., 3.]), d([2., 1., 1., 40.]))
tf.zeta(d([2., 1., .5, 3.]), d([1., 1., 1., .5]))
tf.polygamma(d([0., 1., 2., -1., 1.5]), d([1., 1., 1., 1., 1.]))
tf.betainc(d([1., .5]), d([2., .5]), d([.5, .3]))
tf.raw_ops.IgammaGradA(a=d([1., 2., .5]), x=d([2., .5, 10.]))
tf.tensordot(tf.constant([[1., 2.], [3., 4.]]), d([[1., 2.], [3., 4.]]), 1)
tf.math.polyval([1., 2., 3.], d([2., 3.]))
tf.reduce_logsumexp(d([[1000., 1000.], [-INF, -INF]]), 1)
tf.count_nonzero(tf.constant(["", "a"]))
tf.math.bessel_i0e(d([-1., 0., 20.]))
tf.math.bessel_i1e(d([-1., 0., 20.]))
g(tf.abs(c0), c0)
g(tf.real(c0), c0)
g(tf.imag(c0), c0)
g(tf.angle(c0), c0)
g(tf.square(c0), c0)
g(tf.sqrt(c0), c0)
g(tf.rsqrt(c0), c0)
g(tf.exp(c0), c0)
g(tf.log(c0), c0)
g(tf.sin(c0), c0)
g(tf.tan(c0), c0)
g(tf.tanh(c0), c0)
g(tf.sigmoid(c0), c0)
g(tf.reciprocal(c0), c0)
g(tf.asinh(c0), c0)
g(tf.acos(c0), c0)
g(tf.conj(c0) * c1, c0, c1)
g(c0 / c1, c0, c1)
g(tf.pow(c0, c1), c0, c1)
g(tf.matmul(tf.reshape(c0, [1, 2]), tf.reshape(c1, [2, 1])), c0, c1)
g(tf.reduce_prod(tf.stack([c0, c1])), c0, c1)
g(tf.maximum(d([1., 2., 3.]), f0), f0)
g(tf.reduce_max(f0), f0)
g(tf.reduce_prod(f0 * [0., 1., 2.]), f0)
g(tf.pow(f0, 0.), f0)
g(tf.pow(f0 * 0., f0), f0)
g(tf.reduce_mean(tf.tile([f0], [2, 1]), 0), f0)
g(tf.unsorted_segment_max(f0, [0, 1, 0], 2), f0)
g(tf.unsorted_segment_prod(f0 * [0., 0., 2.], [0, 1, 0], 2), f0)
g(tf.segment_mean(f0, [0, 0, 2]), f0)
g(tf.cumprod(f0, exclusive=True), f0)
g(tf.math.cumulative_logsumexp(f0, exclusive=True)[1:], f0)
g(tf.sign(f0), f0)
g(tf.cast(tf.cast(f0, tf.float16), tf.float32), f0)
""".strip().splitlines()


def helpers(tf, np):
    """Returns the names that the expressions use, for a given TensorFlow."""

    def placeholder(dtype, label):
        return lambda *shape: tf.placeholder(dtype, list(shape), name=label)

    def hidden(values, dtype):
        array = np.array(values).astype(dtype)
        return tf.placeholder_with_default(array, [None] * array.ndim)

    def gradients(y, *xs):
        return tf.gradients(y, list(xs), tf.ones_like(y))

    class Names(dict):
        """Makes the operands of gradients when they are first named."""

        def __missing__(self, name):
            if name not in ("c0", "c1", "f0"):
                raise KeyError(name)
            data = {"c0": [1 + 2j, 0.3 - 0.4j], "c1": [2 - 1j, 0.5 + 1j], "f0": [0.5, 2.0, 3.0]}
            dtype = "float32" if name == "f0" else "complex64"
            self[name] = tf.constant(np.array(data[name], dtype))
            return self[name]

    return Names(
        tf=tf,
        np=np,
        x=placeholder(tf.float32, "x"),
        xi=placeholder(tf.int32, "xi"),
        xb=placeholder(tf.bool, "xb"),
        xc=placeholder(tf.complex64, "xc"),
        u=lambda: tf.placeholder(tf.float32, name="u"),
        d=lambda values: hidden(values, "float32"),
        di=lambda values: hidden(values, "int32"),
        dt=hidden,
        g=gradients,
        NAN=float("nan"),
        INF=float("inf"),
    )


def nodes(graph):
    """Lists name, op and inputs of each node."""
    return [[op.name, op.type, [t.name for t in op.inputs]] for op in graph.get_operations()]


def plain(array):
    """Turns an array into lists; complex numbers into pairs of parts."""
    if array.dtype.kind == "c":
        return [array.real.tolist(), array.imag.tolist()]
    if array.dtype.kind in "OS":
        return [value.decode() for value in array.ravel().tolist()]
    return array.tolist()


def record(tf, np, text):
    """Returns what becomes of one expression."""
    graph = tf.Graph()
    with graph.as_default():
        try:
            result = eval(text, {}, helpers(tf, np))
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)[:200]}
        flat = list(result) if isinstance(result, (list, tuple)) else [result]
        tensors = [t for t in flat if isinstance(t, tf.Tensor)]
        entry = {} if text.startswith("g(") else {"nodes": nodes(graph)}
        shapes = [t.shape for t in tensors]
        entry["shapes"] = [None if s.ndims is None else s.as_list() for s in shapes]
        if any(op.type == "Placeholder" for op in graph.get_operations()) or not tensors:
            return entry
        off = tf.compat.v1.ConfigProto()
        off.graph_options.rewrite_options.disable_meta_optimizer = True
        with tf.Session(config=off) as session:
            try:
                arrays = [np.asarray(v) for v in session.run(tensors)]
                entry["types"] = [str(a.dtype) for a in arrays]
                entry["values"] = [plain(a) for a in arrays]
            except tf.errors.OpError as error:
                entry["fails"] = type(error).__name__
                entry["message"] = error.message.splitlines()[0][:200]
    return entry


def main():
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    out = {text: record(tf, np, text) for text in EXPRESSIONS}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as f:
        rows = [json.dumps(k) + ": " + json.dumps(v) for k, v in out.items()]
        f.write("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
