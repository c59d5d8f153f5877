"""Pooling over one, two and three axes."""

from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.layers.base import Layer
from millstream.layers.convolutional import checked_padding, sizes_of, window_output
from millstream.layers.core import data_layout
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, nn

_ARGUMENTS = """
    Args:
      pool_size: size of the window, one number or one per axis.
      strides: steps of the window.
      padding: `"valid"` or `"same"`.
      data_format: `"channels_last"` or `"channels_first"`.
      name: the layer's name.
      **kwargs: as for `Layer`.
"""


class _Pooling(Layer):
    rank = 2
    pool = staticmethod(nn.max_pool)

    def __init__(
        self, pool_size, strides, padding="valid", data_format="channels_last", name=None, **kwargs
    ) -> None:
        if strides is None:
            raise ValueError("Argument `strides` must not be None.")
        super().__init__(name=name, **kwargs)
        self.pool_size = sizes_of(pool_size, self.rank, "pool_size")
        self.strides = sizes_of(strides, self.rank, "strides")
        self.padding = checked_padding(padding)
        self.data_format = data_layout(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs):
        """Gives what the pool makes of each window."""
        first = self.data_format == "channels_first"
        if self.rank == 1:
            return self._pool_row(inputs, 2 if first else 1)
        space = "DHW"[3 - self.rank :]
        ones, layout = ((1, 1), f"NC{space}") if first else ((1,), f"N{space}C")
        window, strides = [
            (*ones, *sizes) if first else (*ones, *sizes, 1)
            for sizes in (self.pool_size, self.strides)
        ]
        return self.pool(inputs, window, strides, self.padding.upper(), data_format=layout)

    def _pool_row(self, inputs, axis):
        """Pools a row as an image of width 1."""
        images = array.expand_dims(inputs, axis + 1)
        if axis == 2:
            images = array.transpose(images, (0, 2, 3, 1))
        window, strides = (1, *self.pool_size, 1, 1), (1, *self.strides, 1, 1)
        outputs = self.pool(images, window, strides, self.padding.upper(), data_format="NHWC")
        if axis == 2:
            outputs = array.transpose(outputs, (0, 3, 1, 2))
        return array.squeeze(outputs, axis + 1)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the pooled images."""
        sizes = as_shape(input_shape).as_list()
        first = self.data_format == "channels_first"
        space = sizes[2:] if first else sizes[1:-1]
        settings = zip(space, self.pool_size, self.strides, strict=True)
        places = [window_output(n, k, self.padding, s) for n, k, s in settings]
        channels = sizes[1] if first else sizes[-1]
        return TensorShape(
            [sizes[0], channels, *places] if first else [sizes[0], *places, channels]
        )


@export("layers.MaxPooling1D")
class MaxPooling1D(_Pooling):
    __doc__ = "Takes the largest element of each window of sequences.\n" + _ARGUMENTS
    rank = 1


@export("layers.MaxPooling2D")
class MaxPooling2D(_Pooling):
    __doc__ = "Takes the largest element of each window of images.\n" + _ARGUMENTS


@export("layers.MaxPooling3D")
class MaxPooling3D(_Pooling):
    __doc__ = "Takes the largest element of each window of volumes.\n" + _ARGUMENTS
    rank = 3
    pool = staticmethod(nn.max_pool3d)


@export("layers.AveragePooling1D")
class AveragePooling1D(_Pooling):
    __doc__ = "Takes the mean of each window of sequences.\n" + _ARGUMENTS
    rank = 1
    pool = staticmethod(nn.avg_pool)


@export("layers.AveragePooling2D")
class AveragePooling2D(_Pooling):
    __doc__ = "Takes the mean of each window of images.\n" + _ARGUMENTS
    pool = staticmethod(nn.avg_pool)


@export("layers.AveragePooling3D")
class AveragePooling3D(_Pooling):
    __doc__ = "Takes the mean of each window of volumes.\n" + _ARGUMENTS
    rank = 3
    pool = staticmethod(nn.avg_pool3d)


@export("layers.max_pooling1d")
def max_pooling1d(
    inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None
):
    """Takes the largest element of each window of sequences; see `tf.layers.MaxPooling1D`."""
    return MaxPooling1D(pool_size, strides, padding, data_format, name)(inputs)


@export("layers.max_pooling2d")
def max_pooling2d(
    inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None
):
    """Takes the largest element of each window of images; see `tf.layers.MaxPooling2D`.

    Example:
      >>> tf.layers.max_pooling2d(tf.ones([1, 8, 8, 3]), 2, 2).shape.as_list()
      [1, 4, 4, 3]
    """
    return MaxPooling2D(pool_size, strides, padding, data_format, name)(inputs)


@export("layers.max_pooling3d")
def max_pooling3d(
    inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None
):
    """Takes the largest element of each window of volumes; see `tf.layers.MaxPooling3D`."""
    return MaxPooling3D(pool_size, strides, padding, data_format, name)(inputs)


@export("layers.average_pooling1d")
def average_pooling1d(
    inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None
):
    """Takes the mean of each window of sequences; see `tf.layers.AveragePooling1D`."""
    return AveragePooling1D(pool_size, strides, padding, data_format, name)(inputs)


@export("layers.average_pooling2d")
def average_pooling2d(
    inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None
):
    """Takes the mean of each window of images; see `tf.layers.AveragePooling2D`."""
    return AveragePooling2D(pool_size, strides, padding, data_format, name)(inputs)


@export("layers.average_pooling3d")
def average_pooling3d(
    inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None
):
    """Takes the mean of each window of volumes; see `tf.layers.AveragePooling3D`."""
    return AveragePooling3D(pool_size, strides, padding, data_format, name)(inputs)
