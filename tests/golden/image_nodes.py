# ruff: noqa: E501 - one expression a line
"""Records what TF 1.15 makes of expressions over `tf.image`: nodes, shapes, values and errors.

    python tests/golden/image_nodes.py

The expressions are read as in `nn_nodes.py`; `r(4, 5, 3)` is a constant image of values in [0, 1].
"""

import gzip
import json
import os

import nn_nodes

EXPRESSIONS = """
tf.image.resize_bilinear(v(1, 4, 5, 2), [7, 3])
tf.image.resize_bilinear(v(1, 4, 5, 2), [2, 9], align_corners=True)
tf.image.resize_bilinear(v(1, 4, 5, 2), [7, 3], half_pixel_centers=True, name="rb")
tf.image.resize_bilinear(vi(1, 4, 5, 2), [7, 3])
tf.image.resize_bilinear(x(None, 4, 5, 2), xi(2))
tf.image.resize_bilinear(v(4, 5, 2), [7, 3])
tf.image.resize_bilinear(v(1, 4, 5, 2), [0, 3])
tf.image.resize_nearest_neighbor(v(1, 4, 5, 2), [7, 3])
tf.image.resize_nearest_neighbor(v(1, 4, 5, 2), [2, 9], align_corners=True)
tf.image.resize_nearest_neighbor(vi(1, 4, 5, 2), [7, 3], half_pixel_centers=True)
tf.image.resize_bicubic(v(1, 4, 5, 2), [7, 3])
tf.image.resize_bicubic(v(1, 4, 5, 2), [2, 9], align_corners=True)
tf.image.resize_bicubic(v(1, 4, 5, 2), [7, 3], half_pixel_centers=True)
tf.image.resize_bicubic(v(1, 6, 5, 1), [4, 11], half_pixel_centers=True)
tf.image.resize_area(v(1, 4, 5, 2), [7, 3])
tf.image.resize_area(v(1, 8, 6, 2), [4, 3])
tf.image.resize_area(v(1, 4, 5, 2), [3, 2], align_corners=True)
tf.image.resize_images(v(4, 5, 2), [7, 3])
tf.image.resize_images(v(1, 4, 5, 2), [7, 3], method=1)
tf.image.resize_images(v(1, 4, 5, 2), [7, 3], tf.image.ResizeMethod.BICUBIC)
tf.image.resize_images(v(1, 4, 5, 2), [4, 5])
tf.image.resize_images(v(1, 8, 6, 2), [4, 2], preserve_aspect_ratio=True)
tf.image.resize_images(x(None, None, None, 3), [7, 3])
tf.image.resize_images(x(None, None, 3), [7, 3])
tf.image.resize_images(u(), [7, 3])
tf.image.resize_images(v(1, 4, 5, 2), [7])
tf.image.resize_images(v(1, 4, 5, 2), [7, 3], method=9)
tf.image.flip_left_right(r(4, 5, 3))
tf.image.flip_up_down(r(4, 5, 3))
tf.image.flip_left_right(r(2, 4, 5, 3))
tf.image.flip_left_right(x(None, 4, 5, 3))
tf.image.flip_left_right(v(4, 5))
tf.image.transpose_image(r(4, 5, 3))
tf.image.transpose_image(x(2, 4, 5, 3))
tf.image.rot90(r(4, 5, 3), 2)
tf.image.central_crop(r(8, 9, 3), 0.5)
tf.image.central_crop(r(8, 9, 3), 1.0)
tf.image.central_crop(r(8, 9, 3), 1.5)
tf.image.crop_to_bounding_box(r(8, 9, 3), 1, 2, 4, 5)
tf.image.crop_to_bounding_box(r(2, 8, 9, 3), 1, 2, 4, 5)
tf.image.crop_to_bounding_box(r(8, 9, 3), 1, 2, 8, 5)
tf.image.pad_to_bounding_box(r(4, 5, 3), 1, 2, 8, 9)
tf.image.pad_to_bounding_box(r(4, 5, 3), 1, 2, 4, 9)
tf.image.resize_image_with_crop_or_pad(r(4, 9, 3), 6, 5)
tf.image.resize_image_with_crop_or_pad(x(2, 4, 9, 3), 6, 5)
tf.image.per_image_standardization(r(4, 5, 3))
tf.image.per_image_standardization(x(2, 4, 5, 3))
tf.image.adjust_brightness(r(4, 5, 3), 0.2)
tf.image.adjust_brightness(tf.constant(vi(4, 5, 3).astype(np.uint8)), 0.2)
tf.image.adjust_contrast(r(4, 5, 3), 0.7)
tf.image.adjust_contrast(tf.constant(vi(4, 5, 3).astype(np.uint8)), 2.0)
tf.image.adjust_gamma(r(4, 5, 3), 0.7, 2.0)
tf.image.adjust_hue(r(4, 5, 3), 0.3)
tf.image.adjust_hue(tf.constant(vi(4, 5, 3).astype(np.uint8) * 40), -0.3)
tf.image.adjust_saturation(r(4, 5, 3), 0.5)
tf.image.adjust_saturation(r(4, 5, 3), 2.5, name="as")
tf.image.random_brightness(x(4, 5, 3), 0.3)
tf.image.random_contrast(x(4, 5, 3), 0.3, 0.9, seed=3)
tf.image.random_hue(x(4, 5, 3), 0.3)
tf.image.random_saturation(x(4, 5, 3), 0.3, 0.9)
tf.image.random_brightness(x(4, 5, 3), -0.3)
tf.image.random_contrast(x(4, 5, 3), 0.9, 0.3)
tf.image.rgb_to_hsv(r(4, 5, 3))
tf.image.hsv_to_rgb(r(4, 5, 3), name="h")
tf.image.rgb_to_grayscale(r(4, 5, 3))
tf.image.grayscale_to_rgb(r(4, 5, 1))
tf.image.rgb_to_yiq(r(4, 5, 3))
tf.image.yiq_to_rgb(r(4, 5, 3))
tf.image.rgb_to_yuv(r(4, 5, 3))
tf.image.yuv_to_rgb(r(4, 5, 3))
tf.image.convert_image_dtype(r(2, 3, 1), tf.uint8)
tf.image.convert_image_dtype(r(2, 3, 1), tf.uint8, saturate=True)
tf.image.convert_image_dtype(tf.constant(vi(2, 3, 1).astype(np.uint8)), tf.float32)
tf.image.convert_image_dtype(tf.constant(vi(2, 3, 1).astype(np.uint8)), tf.int16)
tf.image.convert_image_dtype(r(2, 3, 1), tf.float32)
tf.image.convert_image_dtype(r(2, 3, 1), tf.float64)
tf.image.total_variation(r(4, 5, 3))
tf.image.total_variation(r(2, 4, 5, 3), name="tv")
tf.image.image_gradients(r(2, 4, 5, 3))
tf.image.image_gradients(r(4, 5, 3))
tf.image.sobel_edges(r(2, 4, 5, 3))
tf.image.psnr(r(4, 5, 3), r(4, 5, 3) * 0.9, 1.0)
tf.image.crop_and_resize(r(2, 6, 7, 3), [[.1, .2, .8, .9], [0., 0., 1.2, 1.]], [0, 1], [3, 4])
tf.image.crop_and_resize(r(2, 6, 7, 3), [[.1, .2, .8, .9], [.9, 0., .2, 1.]], [1, 1], [1, 4], method="nearest", extrapolation_value=7.0)
tf.image.random_flip_left_right(r(4, 5, 3), seed=3)
tf.image.random_flip_up_down(r(4, 5, 3), seed=8)
tf.image.random_flip_left_right(r(3, 4, 5, 3), seed=5)
tf.image.random_flip_up_down(x(3, 4, 5, 3))
tf.image.random_brightness(r(4, 5, 3), 0.3, seed=4)
tf.image.random_hue(r(4, 5, 3), 0.3, seed=4)
tf.image.resize_image_with_pad(r(4, 8, 3), 6, 6)
tf.random_crop(x(4, 5, 3), [2, 3, 3])
""".strip().splitlines()


def helpers(tf, np):
    """Returns the names that the expressions use, for a given TensorFlow."""
    names = nn_nodes.helpers(tf, np)
    values = names["v"]
    return {**names, "r": lambda *shape: tf.constant((values(*shape) + 2) / 4.0)}


def record(tf, np, text):
    """Returns what becomes of one expression."""
    graph = tf.Graph()
    with graph.as_default():
        try:
            tensors = nn_nodes.tensors_of(tf, eval(text, helpers(tf, np)))
        except Exception as error:
            return {"raises": type(error).__name__}
        shapes = [nn_nodes.shape_list(t) for t in tensors]
        entry = {"nodes": nn_nodes.nodes_of(graph), "shapes": shapes}
        kinds = {op.type for op in graph.get_operations()}
        if "Placeholder" in kinds or ("RandomUniform" in kinds and "seed" not in text):
            return entry
        with tf.Session() as session:
            try:
                entry["values"] = [nn_nodes.plain(np, v) for v in session.run(tensors)]
            except tf.errors.OpError as error:
                entry["fails"] = type(error).__name__
    return entry


def main():
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    out = {text: record(tf, np, text) for text in EXPRESSIONS}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json.gz"
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as f:
        f.write(json.dumps(out, indent=0).encode())


if __name__ == "__main__":
    main()
