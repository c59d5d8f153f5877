"""How non-maximum suppression finds the best items among those that overlap, in NumPy.

Items are taken by falling score; one that overlaps a taken item by more than a threshold is left
out, or (softly) loses score. Of items of one score the first comes first.
"""

import heapq
from typing import NamedTuple

import numpy as np

from millstream.base import errors


class Search(NamedTuple):
    """What one suppression looks for.

    Attributes:
      limit: how many items to take at most.
      threshold: overlap above which an item is left out.
      least: score that an item must exceed.
      sigma: width of the bell by which overlaps lower scores; 0: they do not.
    """

    limit: int
    threshold: float
    least: float = -np.inf
    sigma: float = 0.0


def searching(max_output_size, threshold, least=-np.inf, sigma=0.0, name="iou_threshold"):
    """Checks the operands of a search. A negative limit is none, as in TensorFlow."""
    threshold = float(threshold)
    if name == "iou_threshold" and not 0 <= threshold <= 1:
        raise errors.InvalidArgumentError(None, None, "iou_threshold must be in [0, 1]")
    limit = int(max_output_size)
    return Search(2**31 if limit < 0 else limit, threshold, float(least), float(sigma))


def check_operands(boxes, scores):
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        message = f"boxes must have shape [num_boxes, 4], not {list(boxes.shape)}"
        raise errors.InvalidArgumentError(None, None, message)
    if scores.shape != boxes.shape[:1]:
        message = f"scores has incompatible shape {list(scores.shape)} for {len(boxes)} boxes"
        raise errors.InvalidArgumentError(None, None, message)


def overlaps_of(boxes):
    """Returns a function that gives the overlaps of one box with others, by their places."""
    boxes = boxes.astype(np.float32)
    low = np.minimum(boxes[:, :2], boxes[:, 2:])
    high = np.maximum(boxes[:, :2], boxes[:, 2:])
    areas = np.prod(high - low, axis=1)

    def overlaps(one, others):
        inner = np.minimum(high[one], high[others]) - np.maximum(low[one], low[others])
        common = np.prod(np.maximum(inner, np.float32(0)), axis=1)
        union = areas[one] + areas[others] - common
        is_box = (areas[one] > 0) & (areas[others] > 0)
        return np.where(is_box, common / np.where(is_box, union, 1), np.float32(0))

    return overlaps


def hard(scores, overlaps, search):
    """Returns the places of the taken items; a taken item strikes out what overlaps it."""
    above = np.flatnonzero(scores > search.least)
    waiting = above[np.argsort(-scores[above].astype(np.float64), kind="stable")]
    taken = []
    while len(waiting) and len(taken) < search.limit:
        best, waiting = waiting[0], waiting[1:]
        taken.append(best)
        waiting = waiting[~(overlaps(best, waiting) > search.threshold)]
    return np.array(taken, np.int32)


def soft(scores, overlaps, search):
    """Returns places and lowered scores; an item whose score fell waits for its turn again."""
    heap = [(-float(scores[at]), int(at)) for at in np.flatnonzero(scores > search.least)]
    heapq.heapify(heap)
    seen, taken, kept = dict.fromkeys((at for _, at in heap), 0), [], []
    scale = np.float32(-0.5 / search.sigma)
    while heap and len(taken) < search.limit:
        score, place = heapq.heappop(heap)
        new = overlaps(place, np.array(taken[seen[place] :], np.int64))
        seen[place] = len(taken)
        lowered = np.float32(-score) * np.prod(np.exp(scale * new * new), dtype=np.float32)
        if (new > search.threshold).any() or lowered <= search.least:
            continue
        if lowered == np.float32(-score):
            taken.append(place)
            kept.append(lowered)
        else:
            heapq.heappush(heap, (-float(lowered), place))
    return np.array(taken, np.int32), np.array(kept, np.float32)


def padded(array, search, pad):
    return np.pad(array, (0, max(0, search.limit - len(array)))) if pad else array
