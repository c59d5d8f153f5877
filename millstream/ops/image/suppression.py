"""Non-maximum suppression: the best of boxes that overlap, `tf.image.non_max_suppression*`.

A box is `(y1, x1, y2, x2)`, any two opposite corners.
"""

from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.image.suppression_ops import (
    CombinedNonMaxSuppression,
    NonMaxSuppressionV3,
    NonMaxSuppressionV4,
    NonMaxSuppressionV5,
    NonMaxSuppressionWithOverlaps,
)


@export("image.non_max_suppression")
def non_max_suppression(
    boxes, scores, max_output_size, iou_threshold=0.5, score_threshold=float("-inf"), name=None
):
    """Gives the best boxes among those that overlap.

    Args:
      boxes: float `[boxes, (y1, x1, y2, x2)]`, any opposite corners.
      scores: float `[boxes]`.
      max_output_size: int32 scalar, how many boxes to take at most.
      iou_threshold: share of the union, in [0, 1], above which two boxes overlap.
      score_threshold: only boxes of higher scores are taken.
      name: name of the scope.

    Returns:
      int32 `[taken]`, the places of the boxes, by falling score.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with name_scope(name, "non_max_suppression"):
        iou_threshold = convert_to_tensor(iou_threshold, name="iou_threshold")
        score_threshold = convert_to_tensor(score_threshold, name="score_threshold")
        return NonMaxSuppressionV3(boxes, scores, max_output_size, iou_threshold, score_threshold)


@export("image.non_max_suppression_padded")
def non_max_suppression_padded(
    boxes,
    scores,
    max_output_size,
    iou_threshold=0.5,
    score_threshold=float("-inf"),
    pad_to_max_output_size=False,
    name=None,
):
    """Gives the best boxes as `tf.image.non_max_suppression`, in a list of known length.

    Args:
      boxes: float `[boxes, (y1, x1, y2, x2)]`.
      scores: float `[boxes]`.
      max_output_size: int32 scalar, how many boxes to take at most.
      iou_threshold: share of the union above which two boxes overlap.
      score_threshold: only boxes of higher scores are taken.
      pad_to_max_output_size: whether zeros fill the list up to `max_output_size`.
      name: name of the scope.

    Returns:
      `(selected_indices, valid_outputs)`: int32 `[taken]` or `[max_output_size]`, and how many
      of them are places.
    """
    with name_scope(name, "non_max_suppression_padded"):
        iou_threshold = convert_to_tensor(iou_threshold, name="iou_threshold")
        score_threshold = convert_to_tensor(score_threshold, name="score_threshold")
        return NonMaxSuppressionV4(
            boxes,
            scores,
            max_output_size,
            iou_threshold,
            score_threshold,
            pad_to_max_output_size=pad_to_max_output_size,
        )


@export("image.non_max_suppression_with_scores")
def non_max_suppression_with_scores(
    boxes,
    scores,
    max_output_size,
    iou_threshold=0.5,
    score_threshold=float("-inf"),
    soft_nms_sigma=0.0,
    name=None,
):
    """Gives the best boxes and their scores, lowered by `exp(-overlap^2 / (2 sigma))`.

    Args:
      boxes: float `[boxes, (y1, x1, y2, x2)]`.
      scores: float `[boxes]`.
      max_output_size: int32 scalar, how many boxes to take at most.
      iou_threshold: share of the union above which a box is left out.
      score_threshold: only boxes of higher scores are taken.
      soft_nms_sigma: sigma; with 0 scores stay as they are.
      name: name of the scope.

    Returns:
      `(selected_indices, selected_scores)`: int32 and float `[taken]`.

    Source: Bodla et al., Soft-NMS, 2017.
    """
    with name_scope(name, "non_max_suppression_with_scores"):
        iou_threshold = convert_to_tensor(iou_threshold, name="iou_threshold")
        score_threshold = convert_to_tensor(score_threshold, name="score_threshold")
        soft_nms_sigma = convert_to_tensor(soft_nms_sigma, name="soft_nms_sigma")
        found = NonMaxSuppressionV5(
            boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma
        )
        return found.selected_indices, found.selected_scores


@export("image.non_max_suppression_overlaps")
def non_max_suppression_with_overlaps(
    overlaps,
    scores,
    max_output_size,
    overlap_threshold=0.5,
    score_threshold=float("-inf"),
    name=None,
):
    """Gives the best items among those that overlap, for overlaps of any measure.

    Args:
      overlaps: float32 `[items, items]`.
      scores: float32 `[items]`.
      max_output_size: int32 scalar, how many items to take at most.
      overlap_threshold: overlap above which an item is left out.
      score_threshold: only items of higher scores are taken.
      name: name of the scope.

    Returns:
      int32 `[taken]`, the places of the items, by falling score.
    """
    with name_scope(name, "non_max_suppression_overlaps"):
        overlap_threshold = convert_to_tensor(overlap_threshold, name="overlap_threshold")
        return NonMaxSuppressionWithOverlaps(
            overlaps, scores, max_output_size, overlap_threshold, score_threshold
        )


@export("image.combined_non_max_suppression")
def combined_non_max_suppression(
    boxes,
    scores,
    max_output_size_per_class,
    max_total_size,
    iou_threshold=0.5,
    score_threshold=float("-inf"),
    pad_per_class=False,
    clip_boxes=True,
    name=None,
):
    """Gives the best boxes of every image over all classes, suppressed class by class.

    Args:
      boxes: float32 `[batch, boxes, classes or 1, (y1, x1, y2, x2)]`.
      scores: float32 `[batch, boxes, classes]`.
      max_output_size_per_class: int32 scalar, how many boxes of a class to take at most.
      max_total_size: int32 scalar, how many boxes of an image.
      iou_threshold: share of the union above which two boxes overlap.
      score_threshold: only boxes of higher scores are taken.
      pad_per_class: whether results are no longer than all classes could fill.
      clip_boxes: whether coordinates are clipped to [0, 1].
      name: name of the scope.

    Returns:
      `(nmsed_boxes [batch, taken, 4], nmsed_scores [batch, taken], nmsed_classes [batch, taken],
      valid_detections [batch])`, with zeros behind the valid ones.
    """
    with name_scope(name, "combined_non_max_suppression"):
        iou_threshold = convert_to_tensor(iou_threshold, name="iou_threshold")
        score_threshold = convert_to_tensor(score_threshold, name="score_threshold")
        return CombinedNonMaxSuppression(
            boxes,
            scores,
            max_output_size_per_class,
            max_total_size,
            iou_threshold,
            score_threshold,
            pad_per_class=pad_per_class,
            clip_boxes=clip_boxes,
        )
