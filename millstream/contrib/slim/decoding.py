"""`slim.tfexample_decoder`: from a serialized `tf.Example` to items such as images and labels."""

from millstream.base.dtypes import Int32, Int64, UInt8
from millstream.base.export import export
from millstream.ir.composite import SparseTensor as Sparse
from millstream.ops import array, math
from millstream.ops.flow.cases import case
from millstream.ops.flow.functional import map_fn
from millstream.ops.image.files import decode_image, decode_jpeg
from millstream.ops.parsing.features import FixedLenFeature
from millstream.ops.parsing.functions import parse_single_example
from millstream.ops.parsing.raw import decode_raw
from millstream.ops.sparse.dense import sparse_tensor_to_dense
from millstream.ops.sparse.reshaping import sparse_reshape


def _published(kind):
    return export(f"contrib.slim.tfexample_decoder.{kind.__name__}", module=__name__)(kind)


@export("contrib.slim.data_decoder.DataDecoder")
class DataDecoder:
    """Is the base of decoders: from a serialized record to items."""

    def decode(self, data, items):
        """Returns the items, a list of tensors, of a record."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to decode")

    def list_items(self):
        """Lists the names of the items that it can give."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it decodes")


@_published
class ItemHandler:
    """Is the base of handlers: from parsed features to one item.

    Args:
      keys: names of the features that it needs, one or a list.
    """

    def __init__(self, keys) -> None:
        self._keys = list(keys) if isinstance(keys, (tuple, list)) else [keys]

    @property
    def keys(self):
        """Names of the features that it needs."""
        return self._keys

    def tensors_to_item(self, keys_to_tensors):
        """Returns the item that the features, a dictionary, make."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it makes")


@_published
class ItemHandlerCallback(ItemHandler):
    """Makes an item by a function of the features.

    Args:
      keys: names of the features.
      func: function from a dictionary of features to the item.
    """

    def __init__(self, keys, func) -> None:
        super().__init__(keys)
        self._func = func

    def tensors_to_item(self, keys_to_tensors):
        """Returns what the function makes of the features."""
        return self._func(keys_to_tensors)


@_published
class BoundingBox(ItemHandler):
    """Makes boxes, `[boxes, 4]`, of four features of coordinates.

    Args:
      keys: their names; by default `ymin`, `xmin`, `ymax`, `xmax`.
      prefix: what comes before the names.

    Raises:
      ValueError: if there are not four.
    """

    def __init__(self, keys=None, prefix="") -> None:
        keys = ["ymin", "xmin", "ymax", "xmax"] if keys is None else keys
        if len(keys) != 4:
            raise ValueError(f"BoundingBox expects 4 keys but got {len(keys)}")
        self._full_keys = [prefix + key for key in keys]
        super().__init__(self._full_keys)

    def tensors_to_item(self, keys_to_tensors):
        """Returns the boxes."""
        sides = []
        for key in self._full_keys:
            side = keys_to_tensors[key]
            side = side.values if isinstance(side, Sparse) else side
            sides.append(array.expand_dims(side, 0))
        return array.transpose(array.concat(sides, 0))


def _shape_from(keys, keys_to_tensors):
    """Returns a shape that features spell, as one vector."""
    parts = []
    for key in keys:
        part = keys_to_tensors[key]
        part = sparse_tensor_to_dense(part) if isinstance(part, Sparse) else part
        parts.append(array.reshape(part, [-1]) if len(keys) > 1 else part)
    return parts[0] if len(parts) == 1 else math.cast(array.concat(parts, 0), Int32)


@_published
class Tensor(ItemHandler):
    """Gives a feature as a tensor.

    Args:
      tensor_key: name of the feature.
      shape_keys: names of features that spell its shape.
      shape: its shape, instead.
      default_value: what stands where a sparse feature has nothing.

    Raises:
      ValueError: if both shapes are given.
    """

    def __init__(self, tensor_key, shape_keys=None, shape=None, default_value=0) -> None:
        if shape_keys and shape is not None:
            raise ValueError("Cannot specify both shape_keys and shape parameters.")
        if shape_keys and not isinstance(shape_keys, list):
            shape_keys = [shape_keys]
        self._tensor_key, self._shape_keys = tensor_key, shape_keys
        self._shape, self._default_value = shape, default_value
        super().__init__([tensor_key, *(shape_keys or ())])

    def tensors_to_item(self, keys_to_tensors):
        """Returns the tensor, in its shape."""
        tensor, shape = keys_to_tensors[self._tensor_key], self._shape
        if self._shape_keys:
            shape = _shape_from(self._shape_keys, keys_to_tensors)
        if isinstance(tensor, Sparse):
            if shape is not None:
                tensor = sparse_reshape(tensor, shape)
            return sparse_tensor_to_dense(tensor, self._default_value)
        return tensor if shape is None else array.reshape(tensor, shape)


@_published
class LookupTensor(Tensor):
    """Gives a feature looked up in a table.

    Args:
      tensor_key: name of the feature.
      table: a lookup table.
      shape_keys: names of features that spell its shape.
      shape: its shape, instead.
      default_value: what stands where a sparse feature has nothing.
    """

    def __init__(self, tensor_key, table, shape_keys=None, shape=None, default_value="") -> None:
        self._table = table
        super().__init__(tensor_key, shape_keys, shape, default_value)

    def tensors_to_item(self, keys_to_tensors):
        """Returns what the table says of the tensor."""
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


@_published
class BackupHandler(ItemHandler):
    """Uses a second handler where the first finds nothing.

    Args:
      handler: the first.
      backup: the second.

    Raises:
      ValueError: if they are no handlers.
    """

    def __init__(self, handler, backup) -> None:
        for part, name in ((handler, "Primary"), (backup, "Backup")):
            if not isinstance(part, ItemHandler):
                raise ValueError(f"{name} handler is of type {type(part)} instead of ItemHandler")
        self._handler, self._backup = handler, backup
        super().__init__(handler.keys + backup.keys)

    def tensors_to_item(self, keys_to_tensors):
        """Returns the first handler's item, or the second's if that is empty."""
        item = self._handler.tensors_to_item(keys_to_tensors)
        empty = math.equal(math.reduce_prod(array.shape(item)), 0)
        return case(
            [(empty, lambda: self._backup.tensors_to_item(keys_to_tensors))],
            default=lambda: item,
        )


@_published
class SparseTensor(ItemHandler):
    """Makes a sparse tensor of features for its indices, values and shape.

    Args:
      indices_key: name of the feature of the indices, in the last axis; default `indices`.
      values_key: name of the feature of the values; default `values`.
      shape_key: name of the feature of the shape.
      shape: the shape, instead.
      densify: whether to give it dense.
      default_value: what stands elsewhere then.
    """

    def __init__(
        self, indices_key=None, values_key=None, shape_key=None, shape=None, densify=False,
        default_value=0,
    ) -> None:  # fmt: skip
        self._indices_key, self._values_key = indices_key or "indices", values_key or "values"
        self._shape_key, self._shape = shape_key, shape
        self._densify, self._default_value = densify, default_value
        keys = [self._indices_key, self._values_key]
        super().__init__([*keys, shape_key] if shape_key else keys)

    def tensors_to_item(self, keys_to_tensors):
        """Returns the tensor."""
        indices = keys_to_tensors[self._indices_key]
        values = keys_to_tensors[self._values_key]
        if self._shape_key:
            shape = keys_to_tensors[self._shape_key]
            shape = sparse_tensor_to_dense(shape) if isinstance(shape, Sparse) else shape
        else:
            shape = self._shape or indices.dense_shape
        rows = math.cast(indices.values, Int64)
        shape = math.cast(shape, Int64)
        ids = array.stack([math.range_(array.size(rows, out_type=Int64)), rows], axis=1)
        tensor = Sparse(ids if shape.shape.as_list() == [2] else rows[:, None],
                        values.values, shape)  # fmt: skip
        return sparse_tensor_to_dense(tensor, self._default_value) if self._densify else tensor


@_published
class Image(ItemHandler):
    """Decodes images, of any format or raw.

    Args:
      image_key: name of the feature of the bytes; default `image/encoded`.
      format_key: name of the feature of the format; default `image/format`.
      shape: shape of the image; for raw ones it is needed.
      channels: number of channels.
      dtype: element type.
      repeated: whether the feature has several images.
      dct_method: how JPEGs are decoded.
    """

    def __init__(
        self, image_key=None, format_key=None, shape=None, channels=3, dtype=UInt8,
        repeated=False, dct_method="",
    ) -> None:  # fmt: skip
        self._image_key = image_key or "image/encoded"
        self._format_key = format_key or "image/format"
        super().__init__([self._image_key, self._format_key])
        self._shape, self._channels, self._dtype = shape, channels, dtype
        self._repeated, self._dct_method = repeated, dct_method

    def tensors_to_item(self, keys_to_tensors):
        """Returns the image, or the images."""
        encoded, kind = keys_to_tensors[self._image_key], keys_to_tensors[self._format_key]
        if self._repeated:
            return map_fn(lambda one: self._decode(one, kind), encoded, dtype=self._dtype)
        return self._decode(encoded, kind)

    def _decode(self, encoded, kind):
        def named(*names):
            tests = [math.equal(kind, name) for name in names]
            either = tests[0]
            for test in tests[1:]:
                either = math.logical_or(either, test)
            return either

        def raw():
            return decode_raw(encoded, out_type=self._dtype)

        def by_content():
            return math.cast(decode_image(encoded, channels=self._channels), self._dtype)

        def jpeg():
            image = decode_jpeg(encoded, channels=self._channels, dct_method=self._dct_method)
            return math.cast(image, self._dtype)

        pairs = [(named("jpeg", "jpg", "JPEG", "JPG"), jpeg), (named("raw", "RAW"), raw)]
        image = case(pairs, default=by_content, exclusive=True)
        image.set_shape([None, None, self._channels])
        return image if self._shape is None else array.reshape(image, self._shape)


@_published
class TFExampleDecoder(DataDecoder):
    """Decodes serialized `tf.Example`s.

    Args:
      keys_to_features: how to parse, as for `tf.parse_single_example`.
      items_to_handlers: a handler for each item.
    """

    def __init__(self, keys_to_features, items_to_handlers) -> None:
        self._keys_to_features = keys_to_features
        self._items_to_handlers = items_to_handlers

    def list_items(self):
        """Lists the names of the items."""
        return list(self._items_to_handlers)

    def decode(self, serialized_example, items=None):
        """Returns the items of an example, a list of tensors.

        Args:
          serialized_example: a scalar string.
          items: names of the items; by default all.
        """
        example = parse_single_example(serialized_example, self._keys_to_features)
        for key, feature in self._keys_to_features.items():
            if isinstance(feature, FixedLenFeature):
                example[key] = array.reshape(example[key], feature.shape)
        outputs = []
        for item in items or self._items_to_handlers:
            handler = self._items_to_handlers[item]
            outputs.append(handler.tensors_to_item({key: example[key] for key in handler.keys}))
        return outputs
