# ruff: noqa: E501 - one expression a line
"""Records what TF 1.15 makes of expressions over boxes and patches: nodes, shapes, values, errors.

    python tests/golden/box_nodes.py

The expressions are read as in `nn_nodes.py`; `boxes` and `scores` are some that overlap.
"""

import gzip
import json
import os

import nn_nodes

EXPRESSIONS = """
tf.image.non_max_suppression(boxes, scores, 3)
tf.image.non_max_suppression(boxes, scores, xi(), name="n")
tf.image.non_max_suppression(np.concatenate([boxes + 3 * k for k in range(5)]), np.linspace(0.3, 0.9, 30, dtype=np.float32), 30)
tf.image.non_max_suppression(boxes, scores, -1)
tf.image.non_max_suppression(boxes, scores, 0)
tf.image.non_max_suppression(boxes[:, [2, 1, 0, 3]], scores, 6, 0.3, 0.4)
tf.image.non_max_suppression(boxes, scores, 3, iou_threshold=1.5)
tf.image.non_max_suppression(boxes, scores[:5], 3)
tf.image.non_max_suppression(boxes[:, :3], scores, 3)
tf.image.non_max_suppression_padded(boxes, scores, 5, pad_to_max_output_size=True, score_threshold=0.4)
tf.image.non_max_suppression_padded(boxes, scores, 5)
tf.image.non_max_suppression_with_scores(boxes, scores, 6, soft_nms_sigma=0.5)
tf.image.non_max_suppression_with_scores(boxes, scores, 6, iou_threshold=1.0, soft_nms_sigma=0.5)
tf.image.non_max_suppression_with_scores(boxes, scores, 6, iou_threshold=1.0, score_threshold=0.2, soft_nms_sigma=0.3)
tf.image.non_max_suppression_overlaps(np.eye(6, dtype=np.float32) * 0.5 + 0.45, scores, 3)
tf.image.non_max_suppression_overlaps(np.full([6, 6], 2, np.float32), scores, 3, 1.0)
tf.image.combined_non_max_suppression(boxes[None, :, None], np.stack([scores, scores[::-1]], 1)[None], 3, 4)
tf.image.combined_non_max_suppression(np.stack([boxes, boxes], 1)[None], np.stack([scores, scores[::-1] * 0.99], 1)[None], 2, 8, pad_per_class=True, clip_boxes=False, score_threshold=0.4)
tf.image.draw_bounding_boxes(np.zeros([1, 6, 7, 3], np.float32), [[[0.1, 0.2, 0.8, 0.9], [0, 0, 0.5, 0.4], [0.9, 0.9, 2, 2]]])
tf.image.draw_bounding_boxes(np.zeros([1, 16, 17, 4], np.float32), [[[k / 20, k / 30, 0.9, 0.8] for k in range(12)]])
tf.image.draw_bounding_boxes(np.zeros([1, 4, 5, 1], np.float32), [[[0.1, 0.2, 0.8, 0.9]]], colors=[[0.2, 0.3, 0.4]])
tf.image.draw_bounding_boxes(np.zeros([1, 4, 5, 1], np.float32), [[[0.1, 0.2, 0.8, 0.9]]])
tf.image.draw_bounding_boxes(np.zeros([2, 4, 5, 3], np.float32), [[[0.8, 0.2, 0.1, 0.9]], [[-0.5, -0.5, 0.4, 0.4]]], name="d")
tf.image.draw_bounding_boxes(np.zeros([4, 5, 3], np.float32), [[[0.1, 0.2, 0.8, 0.9]]])
tf.image.sample_distorted_bounding_box([20, 30, 3], [[[0.1, 0.2, 0.8, 0.9]]], seed=3)
tf.image.sample_distorted_bounding_box([200, 300, 3], [[[0.1, 0.2, 0.8, 0.9], [0.5, 0.5, 0.6, 0.7]]], seed=4, min_object_covered=0.7)
tf.image.sample_distorted_bounding_box([200, 300, 3], [[[0.1, 0.2, 0.8, 0.9]]], seed=5, area_range=[0.2, 0.3])
tf.image.sample_distorted_bounding_box([200, 300, 3], [[[0.1, 0.2, 0.8, 0.9]]], seed=6, aspect_ratio_range=[0.1, 0.2])
tf.image.sample_distorted_bounding_box([20, 30, 3], np.zeros([1, 0, 4], np.float32), seed=3, use_image_if_no_bounding_boxes=True, min_object_covered=0.5, aspect_ratio_range=[0.5, 2.0], area_range=[0.1, 0.9], max_attempts=50)
tf.image.sample_distorted_bounding_box([20, 30, 3], np.zeros([1, 0, 4], np.float32), seed=3)
tf.image.sample_distorted_bounding_box([20, 30, 3], [[[0.1, 0.2, 1.8, 0.9]]], seed=3)
tf.image.sample_distorted_bounding_box([20, 30], [[[0.1, 0.2, 0.8, 0.9]]], seed=3)
tf.image.extract_image_patches(v(1, 5, 4, 2), [1, 3, 2, 1], [1, 2, 1, 1], [1, 1, 1, 1], "VALID")
tf.image.extract_patches(v(1, 5, 4, 2), [1, 2, 2, 1], [1, 2, 1, 1], [1, 2, 1, 1], "SAME")
tf.extract_image_patches(x(None, 5, 4, 2), [1, 2, 2, 1], [1, 2, 1, 1], [1, 1, 1, 1], "SAME", name="e")
tf.extract_image_patches(x(None, 5, 4, 2), [1, 2, 2, 2], [1, 2, 1, 1], [1, 1, 1, 1], "SAME")
tf.extract_image_patches(v(1, 5, 4, 2), [1, 2, 2, 2], [1, 2, 1, 1], [1, 1, 1, 1], "SAME")
tf.extract_image_patches(v(1, 5, 4, 2), [1, 2, 2, 1], [1, 2, 1, 2], [1, 1, 1, 1], "SAME")
tf.extract_volume_patches(v(1, 3, 4, 4, 1), [1, 2, 2, 2, 1], [1, 1, 2, 2, 1], "SAME")
tf.extract_volume_patches(v(2, 3, 4, 4, 2), [1, 2, 3, 2, 1], [1, 1, 2, 1, 1], "VALID")
grad(lambda a: tf.image.extract_patches(a, [1, 2, 2, 1], [1, 2, 1, 1], [1, 1, 1, 1], "SAME"), v(1, 5, 4, 2))
grad(lambda a: tf.extract_volume_patches(a, [1, 2, 2, 2, 1], [1, 1, 2, 2, 1], "SAME"), v(1, 3, 4, 4, 1))
tf.image.extract_glimpse(v(1, 5, 4, 2), [2, 3], [[0.5, 0.25]], centered=True, normalized=True, uniform_noise=False)
tf.image.extract_glimpse(v(2, 5, 4, 2), [2, 3], [[0.5, 0.25], [0.1, -0.2]])
tf.image.extract_glimpse(v(2, 5, 4, 2), [2, 2], [[2.0, 1.0], [1.0, 3.0]], centered=False, normalized=False)
tf.image.extract_glimpse(x(None, 5, 4, 2), xi(2), x(None, 2))
""".strip().splitlines()


def helpers(tf, np):
    """Returns the names that the expressions use, for a given TensorFlow."""

    def grad(function, value):
        x = tf.constant(value)
        return tf.gradients(tf.reduce_sum(tf.square(function(x))), x)

    corners = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11]]
    corners += [[0, 10.1, 1, 11.1], [0, 100, 1, 101]]
    return {
        **nn_nodes.helpers(tf, np),
        "grad": grad,
        "boxes": np.array(corners, np.float32),
        "scores": np.array([0.9, 0.75, 0.6, 0.95, 0.5, 0.3], np.float32),
    }


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
        if any(op.type == "Placeholder" for op in graph.get_operations()):
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
