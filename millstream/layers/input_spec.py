"""`InputSpec`: what a layer asks of its inputs, and the check."""

from millstream.base import nest
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.base.shapes import as_shape


@export("layers.InputSpec", "keras.layers.InputSpec")
class InputSpec:
    """Says which inputs a layer takes.

    Args:
      dtype: their element type.
      shape: their shape, `None` where any size will do; it fixes the rank.
      ndim: their rank.
      max_ndim: the highest rank.
      min_ndim: the lowest rank.
      axes: sizes by axis.
    """

    def __init__(
        self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None
    ) -> None:
        self.dtype = None if dtype is None else as_dtype(dtype).name
        self.shape = None if shape is None else tuple(as_shape(shape).as_list())
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        top = ndim if ndim is not None else max_ndim
        if self.axes and top is not None and max(self.axes) > top - 1:
            raise ValueError(
                f"Axis {max(self.axes)} is greater than the maximum allowed: {top - 1}"
            )

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = [(name, getattr(self, name)) for name in names]
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in given if v)})"


def check_inputs(spec, inputs, name):
    """Compares inputs with what a layer says of them.

    Args:
      spec: an `InputSpec`, a structure of them, or nothing.
      inputs: a tensor or a structure of tensors.
      name: the layer's name.

    Raises:
      ValueError: if there are too many or too few, or rank, size or type are not as asked for.
    """
    if not spec:
        return
    tensors, specs = nest.flatten(inputs), nest.flatten(spec)
    if len(tensors) != len(specs):
        raise ValueError(
            f"Layer {name} expects {len(specs)} inputs, but it received {len(tensors)} input "
            f"tensors. Inputs received: {tensors}"
        )
    for index, (tensor, wanted) in enumerate(zip(tensors, specs, strict=True)):
        if wanted is not None:
            _check_one(wanted, tensor, f"Input {index}", name)


def _check_one(spec, tensor, which, name):
    wrong = f"{which} of layer {name} is incompatible with the layer: "
    ranks = (spec.ndim, spec.max_ndim, spec.min_ndim)
    if tensor.shape.ndims is None:
        if any(rank is not None for rank in ranks):
            raise ValueError(
                f"{wrong}its rank is undefined, but the layer requires a defined rank."
            )
        sizes = None
    else:
        sizes = tensor.shape.as_list()
        _check_rank(spec, sizes, wrong)
    if spec.dtype is not None and tensor.dtype.name != spec.dtype:
        raise ValueError(f"{wrong}expected dtype={spec.dtype}, found dtype={tensor.dtype!r}")
    if sizes is None:
        return
    for axis, size in spec.axes.items():
        if size is not None and sizes[axis] not in (size, None):
            raise ValueError(
                f"{wrong}expected axis {axis} of input shape to have value {size} but received "
                f"input with shape {sizes}"
            )
    for wanted, size in zip(spec.shape or (), sizes):
        if wanted is not None and size is not None and wanted != size:
            raise ValueError(
                f"{which} is incompatible with layer {name}: expected shape={spec.shape}, found "
                f"shape={sizes}"
            )


def _check_rank(spec, sizes, wrong):
    rank = len(sizes)
    if spec.ndim is not None and rank != spec.ndim:
        raise ValueError(
            f"{wrong}expected ndim={spec.ndim}, found ndim={rank}. Full shape received: {sizes}"
        )
    if spec.max_ndim is not None and rank > spec.max_ndim:
        raise ValueError(f"{wrong}expected max_ndim={spec.max_ndim}, found ndim={rank}")
    if spec.min_ndim is not None and rank < spec.min_ndim:
        raise ValueError(
            f"{wrong}: expected min_ndim={spec.min_ndim}, found ndim={rank}. Full shape received: "
            f"{sizes}"
        )
