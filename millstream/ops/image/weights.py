"""How resized images depend on their originals, along one axis: places and weights, in NumPy."""

import functools

import numpy as np

_STEPS = 1024
"""Steps between pixels at which TensorFlow tabulates cubic weights."""


def scale_of(size, wanted, align_corners):
    """Returns the distance of two pixels of the result, in pixels of the original."""
    if align_corners and wanted > 1:
        return np.float32((size - 1) / np.float32(wanted - 1))
    return np.float32(size / np.float32(wanted))


def _positions(size, wanted, align_corners, half_pixel_centers):
    scale = scale_of(size, wanted, align_corners)
    at = np.arange(wanted, dtype=np.float32)
    if half_pixel_centers:
        return (at + np.float32(0.5)) * scale - np.float32(0.5)
    return at * scale


@functools.cache
def linear(size, wanted, align_corners, half_pixel_centers):
    """Returns for each pixel of the result its two neighbours and the weight of the second."""
    positions = _positions(size, wanted, align_corners, half_pixel_centers)
    floor = np.floor(positions)
    lower = np.maximum(floor, 0).astype(np.int32)
    upper = np.minimum(np.ceil(positions), size - 1)
    if not half_pixel_centers:
        upper = np.minimum(lower + 1, size - 1)
    return lower, np.maximum(upper, 0).astype(np.int32), positions - floor


@functools.cache
def linear_matrix(size, wanted, align_corners, half_pixel_centers):
    """Returns the weights of `linear` as a matrix `[wanted, size]`."""
    lower, upper, fraction = linear(size, wanted, align_corners, half_pixel_centers)
    rows = np.arange(wanted)
    matrix = np.zeros((wanted, size), np.float32)
    np.add.at(matrix, (rows, lower), np.float32(1) - fraction)
    np.add.at(matrix, (rows, upper), fraction)
    return matrix


@functools.cache
def nearest(size, wanted, align_corners, half_pixel_centers):
    """Returns for each pixel of the result the pixel of the original that it copies."""
    scale = scale_of(size, wanted, align_corners)
    at = np.arange(wanted, dtype=np.float32)
    at = (at + np.float32(0.5)) * scale if half_pixel_centers else at * scale
    places = np.floor(at + np.float32(0.5)) if align_corners else np.floor(at)
    return np.clip(places, 0, size - 1).astype(np.int32)


@functools.cache
def _cubic_table(sharpness):
    """Returns the weights of the near and the far neighbour at each step."""
    near = np.arange(_STEPS + 1) / _STEPS
    far = near + 1
    a = sharpness
    return (
        (((a + 2) * near - (a + 3)) * near * near + 1).astype(np.float32),
        (((a * far - 5 * a) * far + 8 * a) * far - 4 * a).astype(np.float32),
    )


@functools.cache
def cubic_matrix(size, wanted, align_corners, half_pixel_centers):
    """Returns the weights of bicubic interpolation as a matrix `[wanted, size]`."""
    near, far = _cubic_table(-0.5 if half_pixel_centers else -0.75)
    positions = _positions(size, wanted, align_corners, half_pixel_centers)
    floor = np.floor(positions)
    step = np.rint((positions - floor) * np.float32(_STEPS)).astype(np.int64)
    weights = np.stack([far[step], near[step], near[_STEPS - step], far[_STEPS - step]], 1)
    places = floor[:, None].astype(np.int64) + np.arange(-1, 3)
    bounded = np.clip(places, 0, size - 1)
    if half_pixel_centers:  # neighbours outside do not count
        weights = np.where(places == bounded, weights, np.float32(0))
        weights = weights / weights.sum(1, keepdims=True)
    matrix = np.zeros((wanted, size), np.float32)
    np.add.at(matrix, (np.arange(wanted)[:, None], bounded), weights)
    return matrix


@functools.cache
def area_matrix(size, wanted, align_corners):
    """Returns the part of each original pixel in each pixel of the result, `[wanted, size]`."""
    scale = scale_of(size, wanted, align_corners)
    matrix = np.zeros((wanted, size), np.float32)
    for row in range(wanted):
        start, stop = row * scale, (row + 1) * scale
        for pixel in range(int(np.floor(start)), int(np.ceil(stop))):
            covered = min(pixel + 1, stop) - max(pixel, start)
            matrix[row, min(max(pixel, 0), size - 1)] += covered
    return matrix / scale
