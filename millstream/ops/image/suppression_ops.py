"""The ops of non-maximum suppression: the best of boxes `(y1, x1, y2, x2)` that overlap."""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import Dynamic, Float, Half, Int32, Returns, Tensor, f, op
from millstream.ops.image.suppression_search import (
    check_operands,
    hard,
    overlaps_of,
    padded,
    searching,
    soft,
)

_FLOATS = (Half, Float)


@op(effect=Dynamic())
def NonMaxSuppression(
    boxes: Tensor[Float],
    scores: Tensor[Float],
    max_output_size: Tensor[Int32],
    *,
    iou_threshold: float = 0.5,
) -> Returns(selected_indices=Tensor[Int32]):
    """Gives the places of the best boxes, by falling score."""


@op(effect=Dynamic(), defaults={"T": Float, "T_threshold": Float})
def NonMaxSuppressionV2[T: _FLOATS, T_threshold: _FLOATS](
    boxes: Tensor[T],
    scores: Tensor[T],
    max_output_size: Tensor[Int32],
    iou_threshold: Tensor[T_threshold],
) -> Returns(selected_indices=Tensor[Int32]):
    """Gives the places of the best boxes, by falling score."""


@op(effect=Dynamic(), defaults={"T": Float, "T_threshold": Float})
def NonMaxSuppressionV3[T: _FLOATS, T_threshold: _FLOATS](
    boxes: Tensor[T],
    scores: Tensor[T],
    max_output_size: Tensor[Int32],
    iou_threshold: Tensor[T_threshold],
    score_threshold: Tensor[T_threshold],
) -> Returns(selected_indices=Tensor[Int32]):
    """Gives the places of the best boxes that score above a threshold, by falling score."""


@op(effect=Dynamic(), static="max_output_size", defaults={"T": Float, "T_threshold": Float})
def NonMaxSuppressionV4[T: _FLOATS, T_threshold: _FLOATS](
    boxes: Tensor[T],
    scores: Tensor[T],
    max_output_size: Tensor[Int32],
    iou_threshold: Tensor[T_threshold],
    score_threshold: Tensor[T_threshold],
    *,
    pad_to_max_output_size: bool = False,
) -> Returns(selected_indices=Tensor[Int32], valid_outputs=Tensor[Int32]):
    """Gives the places of the best boxes, perhaps with zeros behind, and how many they are."""


@op(effect=Dynamic(), static="max_output_size", defaults={"T": Float})
def NonMaxSuppressionV5[T: _FLOATS](
    boxes: Tensor[T],
    scores: Tensor[T],
    max_output_size: Tensor[Int32],
    iou_threshold: Tensor[T],
    score_threshold: Tensor[T],
    soft_nms_sigma: Tensor[T],
    *,
    pad_to_max_output_size: bool = False,
) -> Returns(
    selected_indices=Tensor[Int32], selected_scores=Tensor[T], valid_outputs=Tensor[Int32]
):
    """Gives the best boxes and their scores, which overlaps have lowered."""


@op(effect=Dynamic())
def NonMaxSuppressionWithOverlaps(
    overlaps: Tensor[Float],
    scores: Tensor[Float],
    max_output_size: Tensor[Int32],
    overlap_threshold: Tensor[Float],
    score_threshold: Tensor[Float],
) -> Returns(selected_indices=Tensor[Int32]):
    """Gives the places of the best items by falling score, for overlaps `[items, items]`."""


@op(effect=Dynamic(), static=("max_output_size_per_class", "max_total_size"))
def CombinedNonMaxSuppression(
    boxes: Tensor[Float],
    scores: Tensor[Float],
    max_output_size_per_class: Tensor[Int32],
    max_total_size: Tensor[Int32],
    iou_threshold: Tensor[Float],
    score_threshold: Tensor[Float],
    *,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
) -> Returns(
    nmsed_boxes=Tensor[Float],
    nmsed_scores=Tensor[Float],
    nmsed_classes=Tensor[Float],
    valid_detections=Tensor[Int32],
):
    """Gives the best boxes of every image over all classes, suppressed class by class."""


_ONE_LIST = (NonMaxSuppression, NonMaxSuppressionV2, NonMaxSuppressionV3)
_ALL = (
    *_ONE_LIST,
    NonMaxSuppressionV4,
    NonMaxSuppressionV5,
    NonMaxSuppressionWithOverlaps,
    CombinedNonMaxSuppression,
)

for _op in _ALL:
    _op.no_gradient("it gives places, not values")


# -- shapes


def _check_boxes(boxes, scores, max_output_size):
    boxes, scores = boxes.with_rank(2), scores.with_rank(1)
    max_output_size.assert_has_rank(0)
    boxes[:1].merge_with(scores)
    boxes[1:].merge_with([4])


def _listed(boxes, scores, max_output_size):
    _check_boxes(boxes, scores, max_output_size)
    return [None]


for _op in _ONE_LIST:
    _op.shape(_listed)


def _length(pad_to_max_output_size, max_output_size_value):
    known = pad_to_max_output_size and max_output_size_value is not None
    return int(max_output_size_value) if known else None


@NonMaxSuppressionV4.shape
def _(boxes, scores, max_output_size, max_output_size_value, pad_to_max_output_size):
    _check_boxes(boxes, scores, max_output_size)
    return [_length(pad_to_max_output_size, max_output_size_value)], []


@NonMaxSuppressionV5.shape
def _(boxes, scores, max_output_size, max_output_size_value, pad_to_max_output_size):
    _check_boxes(boxes, scores, max_output_size)
    length = _length(pad_to_max_output_size, max_output_size_value)
    return [length], [length], []


@NonMaxSuppressionWithOverlaps.shape
def _(overlaps, scores, max_output_size):
    overlaps, scores = overlaps.with_rank(2), scores.with_rank(1)
    max_output_size.assert_has_rank(0)
    overlaps[:1].merge_with(scores)
    overlaps[1:].merge_with(scores)
    return [None]


@CombinedNonMaxSuppression.shape
def _(boxes, scores, max_output_size_per_class_value, max_total_size_value, pad_per_class):
    boxes, scores = boxes.with_rank(4), scores.with_rank(3)
    boxes[:2].merge_with(scores[:2])
    boxes[3:].merge_with([4])
    batch, classes = scores.as_list()[0], scores.as_list()[2]
    total = max_total_size_value
    if total is not None and pad_per_class:
        per_class = max_output_size_per_class_value
        known = per_class is not None and classes is not None
        total = min(int(total), int(per_class) * classes) if known else None
    total = None if total is None else int(total)
    return [batch, total, 4], [batch, total], [batch, total], [batch]


# -- values


@NonMaxSuppression.reference
def _(boxes, scores, max_output_size, iou_threshold):
    check_operands(boxes, scores)
    return hard(scores, overlaps_of(boxes), searching(max_output_size, iou_threshold))


@NonMaxSuppressionV2.reference
def _(boxes, scores, max_output_size, iou_threshold):
    check_operands(boxes, scores)
    return hard(scores, overlaps_of(boxes), searching(max_output_size, iou_threshold))


@NonMaxSuppressionV3.reference
def _(boxes, scores, max_output_size, iou_threshold, score_threshold):
    check_operands(boxes, scores)
    search = searching(max_output_size, iou_threshold, score_threshold)
    return hard(scores, overlaps_of(boxes), search)


@NonMaxSuppressionV4.reference
def _(boxes, scores, max_output_size, iou_threshold, score_threshold, pad_to_max_output_size):
    check_operands(boxes, scores)
    search = searching(max_output_size, iou_threshold, score_threshold)
    taken = hard(scores, overlaps_of(boxes), search)
    return padded(taken, search, pad_to_max_output_size), np.int32(len(taken))


@NonMaxSuppressionV5.reference
def _(
    boxes,
    scores,
    max_output_size,
    iou_threshold,
    score_threshold,
    soft_nms_sigma,
    pad_to_max_output_size,
):
    check_operands(boxes, scores)
    if not soft_nms_sigma >= 0:
        raise errors.InvalidArgumentError(None, None, "soft_nms_sigma must be non-negative")
    search = searching(max_output_size, iou_threshold, score_threshold, soft_nms_sigma)
    overlaps, pad = overlaps_of(boxes), pad_to_max_output_size
    if search.sigma:
        taken, kept = soft(scores, overlaps, search)
    else:
        taken = hard(scores, overlaps, search)
        kept = scores[taken]
    kept = kept.astype(scores.dtype)
    return padded(taken, search, pad), padded(kept, search, pad), np.int32(len(taken))


@NonMaxSuppressionWithOverlaps.reference
def _(overlaps, scores, max_output_size, overlap_threshold, score_threshold):
    if overlaps.ndim != 2 or overlaps.shape[0] != overlaps.shape[1]:
        message = f"overlaps must be square, not {list(overlaps.shape)}"
        raise errors.InvalidArgumentError(None, None, message)
    if scores.shape != overlaps.shape[:1]:
        message = f"scores has incompatible shape {list(scores.shape)} for {len(overlaps)} items"
        raise errors.InvalidArgumentError(None, None, message)
    search = searching(max_output_size, overlap_threshold, score_threshold, 0.0, "overlap")
    return hard(scores, lambda one, others: overlaps[one, others], search)


@CombinedNonMaxSuppression.reference
def _(
    boxes,
    scores,
    max_output_size_per_class,
    max_total_size,
    iou_threshold,
    score_threshold,
    pad_per_class,
    clip_boxes,
):
    classes = scores.shape[2]
    if boxes.shape[2] not in (1, classes):
        message = f"third dimension of boxes must be 1 or {classes}, not {boxes.shape[2]}"
        raise errors.InvalidArgumentError(None, None, message)
    if int(max_output_size_per_class) <= 0 or int(max_total_size) <= 0:
        message = "max_output_size_per_class and max_total_size must be positive"
        raise errors.InvalidArgumentError(None, None, message)
    search = searching(max_output_size_per_class, iou_threshold, score_threshold)
    total = int(max_total_size)
    if pad_per_class:
        total = min(total, search.limit * classes)
    images = [_combined(b, s, search, total, clip_boxes) for b, s in zip(boxes, scores)]
    if not images:
        empty = np.zeros([0, total], np.float32)
        return np.zeros([0, total, 4], np.float32), empty, empty, np.zeros(0, np.int32)
    return tuple(np.stack(parts) for parts in zip(*images))


def _combined(boxes, scores, search, total, clip_boxes):
    """Returns the best boxes of one image, with zeros behind, their scores, classes and number."""
    found = []
    for label in range(scores.shape[1]):
        of_class = boxes[:, min(label, boxes.shape[1] - 1)]
        for place in hard(scores[:, label], overlaps_of(of_class), search):
            found.append((scores[place, label], label, of_class[place]))
    found = sorted(found, key=lambda item: -item[0])[:total]
    best = np.zeros([total, 4], np.float32)
    kept, labels = np.zeros(total, np.float32), np.zeros(total, np.float32)
    for row, (score, label, box) in enumerate(found):
        best[row], kept[row], labels[row] = box, score, label
    if clip_boxes:
        best = np.clip(best, 0, 1)
    return best, kept, labels, np.int32(len(found))


_BOXES = np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11], [1, 1, 0.4, 0]], np.float32)
_SCORES = np.array([0.9, 0.75, 0.95, 0.75], np.float32)
NonMaxSuppression.examples(_BOXES, _SCORES, 3, iou_threshold=0.25)
NonMaxSuppression.fails("not compatible", f[4, 3], f[4], 3)
NonMaxSuppressionV2.examples(_BOXES, _SCORES, 3, np.float32(0.5))
NonMaxSuppressionV3.examples(_BOXES, _SCORES, 3, np.float32(0.5), np.float32(0.8))
NonMaxSuppressionV4.examples(_BOXES, _SCORES, 3, np.float32(0.5), np.float32(0.8))
NonMaxSuppressionV4.examples(
    _BOXES, _SCORES, 3, np.float32(0.5), np.float32(0.0), pad_to_max_output_size=True
)
NonMaxSuppressionV5.examples(_BOXES, _SCORES, 4, np.float32(1), np.float32(0.0), np.float32(0.5))
NonMaxSuppressionV5.fails(
    "iou_threshold", _BOXES, _SCORES, 4, np.float32(2), np.float32(0.0), np.float32(0.5)
)
NonMaxSuppressionWithOverlaps.examples(
    np.eye(4, dtype=np.float32), _SCORES, 2, np.float32(0.5), np.float32(0.8)
)
CombinedNonMaxSuppression.examples(
    _BOXES[None, :, None], np.stack([_SCORES, _SCORES[::-1]], 1)[None], 2, 3, 0.5, 0.1
)
