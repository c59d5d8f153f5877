# ruff: noqa: E501 - one expression a line
"""Records what TF 1.15 makes of fake quantisation: nodes, shapes, values and errors.

    python tests/golden/quantize_nodes.py

The expressions are read as in `expressions.py`.
"""

from expressions import write

EXPRESSIONS = """
tf.fake_quant_with_min_max_args(v(2, 6) - 4)
tf.fake_quant_with_min_max_args(v(2, 6) / 3 - 1, -1.3, 2.2, 4, True, name="q")
tf.quantization.fake_quant_with_min_max_args(x(2, None), 0.5, 6)
tf.quantization.fake_quant_with_min_max_args(v(2, 6), -6, -1)
tf.fake_quant_with_min_max_args_gradient(v(2, 6) + 1, v(2, 6) / 3 - 1, -1.3, 1.2)
tf.fake_quant_with_min_max_vars(v(2, 6) / 3 - 1, -1.3, 2.2)
tf.fake_quant_with_min_max_vars(v(2, 6) / 3 - 1, 0.0, 0.0, 3)
tf.fake_quant_with_min_max_vars(x(2, None), x(), x(), name="q")
tf.fake_quant_with_min_max_vars_gradient(v(2, 6) + 1, v(2, 6) / 3 - 1, -0.7, 1.2)
tf.fake_quant_with_min_max_vars_per_channel(v(4, 3) / 3 - 1, [-1.0, -0.1, 0.0], [1.0, 0.7, 3.0])
tf.fake_quant_with_min_max_vars_per_channel(v(4, 3) / 3 - 1, [-1.0, -0.1], [1.0, 0.7])
tf.fake_quant_with_min_max_vars_per_channel(v(3) - 1, [-1.0, -0.1, 0.0], [1.0, 0.7, 3.0], 5, True)
tf.fake_quant_with_min_max_vars_per_channel_gradient(v(4, 3), v(4, 3) / 3 - 1, [-1.0, -0.1, 0.0], [1.0, 0.7, 3.0])
grad(tf.fake_quant_with_min_max_args, v(2, 6) - 4)
grad(tf.fake_quant_with_min_max_vars, v(2, 6) - 4, np.float32(-2), np.float32(3))
grad(tf.fake_quant_with_min_max_vars_per_channel, v(2, 3) - 4, np.float32([-2, -1, 0]), np.float32([3, 1, 2]))
tf.quantization.quantize_and_dequantize(v(2, 6) / 3 - 1, 0, 0)
tf.quantization.quantize_and_dequantize(v(2, 6) / 3 - 1, -0.9, 1.7, num_bits=4, range_given=True, name="q")
tf.quantization.quantize_and_dequantize(v(2, 6) / 3 - 1, -0.9, 1.7, True, 4, True, "HALF_UP", narrow_range=True)
tf.quantization.quantize_and_dequantize(v(2, 6) / 3 - 1, -2.9, 1.7, False, 4, True)
tf.quantization.quantize_and_dequantize(v(2, 6) / 3 - 3, 0, 0, False, 4)
tf.quantization.quantize_and_dequantize(x(2, None), 0, 0)
grad(lambda a: tf.quantization.quantize_and_dequantize(a, 0, 0), v(2, 6))
tf.raw_ops.QuantizeAndDequantizeV3(input=v(2, 6) / 3 - 1, input_min=-0.9, input_max=1.7, num_bits=4)
tf.raw_ops.QuantizeAndDequantizeV3(input=v(2, 6) / 3 - 1, input_min=-0.9, input_max=1.7, num_bits=4, range_given=False)
"""

if __name__ == "__main__":
    write(EXPRESSIONS)
