"""Transposed convolutions: from each place of the small image to a window of the large one."""

from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.layers.calling import init_arguments, run_layer
from millstream.layers.convolutional import ZEROS, Convolution
from millstream.ops import array, nn
from millstream.ops.array.slicing import slice_helper

_ARGUMENTS = """
    Args:
      filters: number of output channels.
      kernel_size: size of the window, one number or one per axis.
      strides: distance of the windows.
      padding: `"valid"` or `"same"`.
      data_format: `"channels_last"` or `"channels_first"`.
      activation: function that is applied at the end, or its name.
      use_bias: whether a bias per channel is added.
      kernel_initializer: initializer of the kernel; by default the scope's.
      bias_initializer: initializer of the bias.
      kernel_regularizer: function from the kernel to a loss.
      bias_regularizer: function from the bias to a loss.
      activity_regularizer: function from the output to a loss.
      kernel_constraint: function that projects the kernel after each update.
      bias_constraint: function that projects the bias after each update.
      trainable: whether optimizers see the variables.
      name: the layer's name.
"""


def spread_output(size, window, padding, stride):
    """Returns how long windows laid `stride` apart are together: a number or a tensor."""
    if size is None:
        return None
    size = size * stride
    if padding == "valid" and window > stride:
        return size + (window - stride)
    return size


class _Transposed(Convolution):
    def build(self, input_shape):
        """Makes `kernel`, `[window…, filters, in]`, and `bias`, `[filters]`.

        Raises:
          ValueError: if the number of input channels is not known, or the rank is wrong.
        """
        shape = as_shape(input_shape)
        if shape.ndims != self.rank + 2:
            raise ValueError(
                f"Inputs should have rank {self.rank + 2}. Received input shape: {shape}"
            )
        channels = self._channels(shape)
        self.kernel = self.add_weight(
            "kernel", (*self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint, trainable=True, dtype=self.dtype,
        )  # fmt: skip
        self._add_bias_weight()
        self.built = True

    def _sizes(self, inputs):
        """Returns the batch size and the sizes of the image as tensors."""
        sizes = array.shape(inputs)
        first = 2 if self.channels_first else 1
        batch = sizes[0]
        return batch, [sizes[first + i] for i in range(self.rank)]

    def call(self, inputs):
        """Spreads the inputs over windows, adds the bias and applies the activation."""
        batch, sizes = self._sizes(inputs)
        settings = zip(sizes, self.kernel_size, self.strides, strict=True)
        space = [spread_output(n, k, self.padding, s) for n, k, s in settings]
        if self.channels_first:
            shape, strides = (batch, self.filters, *space), (1, 1, *self.strides)
        else:
            shape, strides = (batch, *space, self.filters), (1, *self.strides, 1)
        full = array.stack(shape)
        if self.rank == 2:
            # TF 1.15 looks at the batch size here; the node keeps later names and seeds in step.
            slice_helper(full, 0)
        spread = nn.conv2d_transpose if self.rank == 2 else nn.conv3d_transpose
        outputs = spread(
            inputs, self.kernel, full, strides, padding=self.padding.upper(),
            data_format=self.layout,
        )  # fmt: skip
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        if self.use_bias:
            outputs = self._with_bias(outputs)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the spread images."""
        sizes = as_shape(input_shape).as_list()
        space = sizes[2:] if self.channels_first else sizes[1:-1]
        settings = zip(space, self.kernel_size, self.strides, strict=True)
        places = [spread_output(n, k, self.padding, s) for n, k, s in settings]
        if self.channels_first:
            return TensorShape([sizes[0], self.filters, *places])
        return TensorShape([sizes[0], *places, self.filters])


@export("layers.Conv2DTranspose")
class Conv2DTranspose(_Transposed):
    __doc__ = "Spreads images over larger ones: the gradient of `Conv2D`.\n" + _ARGUMENTS
    rank = 2

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
        activation=None, use_bias=True, kernel_initializer=None, bias_initializer=ZEROS,
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, bias_constraint=None, trainable=True, name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**init_arguments(locals()))


@export("layers.Conv3DTranspose")
class Conv3DTranspose(_Transposed):
    __doc__ = "Spreads volumes over larger ones: the gradient of `Conv3D`.\n" + _ARGUMENTS
    rank = 3

    def __init__(
        self, filters, kernel_size, strides=(1, 1, 1), padding="valid",
        data_format="channels_last", activation=None, use_bias=True, kernel_initializer=None,
        bias_initializer=ZEROS, kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
        name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**init_arguments(locals()))


@export("layers.conv2d_transpose")
def conv2d_transpose(
    inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
    activation=None, use_bias=True, kernel_initializer=None, bias_initializer=ZEROS,
    kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
    kernel_constraint=None, bias_constraint=None, trainable=True, name=None, reuse=None,
):  # fmt: skip
    """Spreads images, `[batch, height, width, channels]`, over larger ones.

    The arguments are those of `tf.layers.Conv2DTranspose`; `reuse` says whether the variables must
    exist already.
    """
    return run_layer(Conv2DTranspose, dict(locals()))


@export("layers.conv3d_transpose")
def conv3d_transpose(
    inputs, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
    activation=None, use_bias=True, kernel_initializer=None, bias_initializer=ZEROS,
    kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
    kernel_constraint=None, bias_constraint=None, trainable=True, name=None, reuse=None,
):  # fmt: skip
    """Spreads volumes over larger ones.

    The arguments are those of `tf.layers.Conv3DTranspose`; `reuse` says whether the variables must
    exist already.
    """
    return run_layer(Conv3DTranspose, dict(locals()))
