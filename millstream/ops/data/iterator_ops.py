"""The ops that make iterators and take elements from them."""

import threading

import numpy as np

from millstream.base import errors
from millstream.formats.tfrecord import TFRecordWriter
from millstream.ir.spec import (
    Bool,
    Func,
    Host,
    Int64,
    ListOf,
    Resource,
    Returns,
    Shape,
    String,
    Tensor,
    Tensors,
    Type,
    Variant,
    op,
)
from millstream.ops.data import codec
from millstream.ops.data.core import Dataset, Scope, as_array, invalid

_TYPES = ListOf(Type, 1)
_SHAPES = ListOf(Shape, 1)
_ANY_TYPES = ListOf(Type, 0)
_ANY_SHAPES = ListOf(Shape, 0)
_HANDLE = Returns(handle=Tensor[Resource])


class IteratorResource:
    """What an iterator's handle stands for: at most one iterator at a time.

    Steps take elements one after the other; each gets elements of its own.
    """

    def __init__(self, key, types, shapes):
        self.key, self.types, self.shapes = key, types, shapes
        self._lock = threading.Lock()
        self._iterator = self._scope = self._dataset = None

    def start(self, dataset):
        """Begins to walk over a dataset; what was walked over before is given up."""
        scope = Scope()
        iterator = dataset.iterate(scope)
        with self._lock:
            old, old_scope = self._iterator, self._scope
            self._iterator, self._scope, self._dataset = iterator, scope, dataset
        _give_up(old, old_scope)

    def next(self, cancel):
        """Returns the next element, or None at the end.

        Raises:
          FailedPreconditionError: if it was not initialised.
        """
        scope = self._scope
        if scope is None:
            raise _not_initialized()
        me = threading.get_ident()
        token = cancel.register(lambda: scope.cancel(me))
        try:
            with self._lock:
                if self._iterator is None:
                    raise _not_initialized()
                return self._iterator.next()
        finally:
            cancel.deregister(token)
            scope.resume(me)

    def save(self):
        """Returns the iterator's state as bytes."""
        with self._lock:
            if self._iterator is None:
                raise _not_initialized()
            return codec.encode(self._iterator.save())

    def restore(self, data):
        """Puts the iterator into a state that `save` gave.

        Raises:
          FailedPreconditionError: if it was not initialised.
          DataLossError: if the state is damaged or that of another pipeline.
        """
        dataset = self._dataset
        if dataset is None:
            raise _not_initialized()
        state, scope = codec.decode(data), Scope()
        iterator = dataset.iterate(scope)
        try:
            iterator.restore(state)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            _give_up(iterator, scope)
            raise errors.DataLossError(
                None, None, f"the stored state does not fit the iterator: {error!r}"
            ) from error
        with self._lock:
            old, old_scope = self._iterator, self._scope
            self._iterator, self._scope = iterator, scope
        _give_up(old, old_scope)

    def close(self):
        """Gives up the iterator, when the session ends."""
        iterator, scope = self._iterator, self._scope
        self._iterator = self._scope = self._dataset = None
        _give_up(iterator, scope)

    def __del__(self):
        scope = self._scope
        if scope is not None:
            scope.close()


def _give_up(iterator, scope):
    if scope is not None:
        scope.close()
        iterator.close()


def _not_initialized():
    return errors.FailedPreconditionError(
        None,
        None,
        "GetNext() failed because the iterator has not been initialized. Ensure that you have run "
        "the initializer operation for this iterator before getting the next element.",
    )


def _behind(handle):
    thing = handle.item() if isinstance(handle, np.ndarray) and not handle.ndim else handle
    if not isinstance(thing, IteratorResource):
        raise invalid(f"expected the handle of an iterator, got {type(thing).__name__}")
    return thing


def _resource(ctx, output_types, output_shapes):
    """Returns the iterator that the node stands for, made when it is first run."""
    key = ctx.node.attrs["shared_name"] or f"/{ctx.node.name}"
    name = "iterator:" + key
    container = ctx.container
    found = ctx.resources.get_or_create(
        container, name, lambda: IteratorResource((container, name), output_types, output_shapes)
    )
    _check_structure(found, output_types, output_shapes)
    return found


def _check_structure(resource, types, shapes):
    if not types:
        return
    if tuple(resource.types) != tuple(types):
        raise invalid(
            f"Number of components or types of the iterator do not match: expected "
            f"{[t.name for t in types]} but found {[t.name for t in resource.types]}."
        )
    for wanted, found in zip(shapes, resource.shapes, strict=False):
        if not wanted.is_compatible_with(found):
            raise invalid(f"The iterator has elements of shape {found}, not {wanted}.")


@op(effect=Host())
def IteratorV2(
    *, shared_name: str, container: str, output_types: _TYPES, output_shapes: _SHAPES
) -> _HANDLE:
    """Makes an iterator, to be started by MakeIterator."""


@op(effect=Host())
def Iterator(
    *, shared_name: str, container: str, output_types: _TYPES, output_shapes: _SHAPES
) -> _HANDLE:
    """Makes an iterator, to be started by MakeIterator."""


IteratorV2.run(_resource)
Iterator.run(_resource)


@op(effect=Host())
def OneShotIterator(
    *,
    dataset_factory: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    container: str = "",
    shared_name: str = "",
) -> _HANDLE:
    """Makes an iterator that starts by itself, once."""


class _OnceStarted(IteratorResource):
    def __init__(self, key, types, shapes):
        super().__init__(key, types, shapes)
        self._starting = threading.Lock()
        self._started = False

    def start_once(self, make):
        """Starts on the dataset that `make` gives, the first time."""
        if self._started:
            return
        with self._starting:
            if not self._started:
                self.start(make())
                self._started = True


@OneShotIterator.run
def _(ctx, dataset_factory, output_types, output_shapes):
    name = "iterator:" + (ctx.node.attrs["shared_name"] or f"/{ctx.node.name}")
    container = ctx.container
    found = ctx.resources.get_or_create(
        container, name, lambda: _OnceStarted((container, name), output_types, output_shapes)
    )
    found.start_once(lambda: ctx.function(dataset_factory, [])([])[0])
    return found


@op(effect=Host())
def MakeIterator(dataset: Tensor[Variant], iterator: Tensor[Resource]) -> None:
    """Starts an iterator on a dataset."""


@MakeIterator.run
def _(dataset, iterator):
    if not isinstance(dataset, Dataset):
        raise invalid("The given variant is no dataset")
    _behind(iterator).start(dataset)
    return ()


def _get_next(ctx, iterator, output_types):
    element = _behind(iterator).next(ctx.cancel)
    if element is None:
        raise errors.OutOfRangeError(None, None, "End of sequence")
    if len(element) != len(output_types):
        raise invalid(
            f"The iterator has {len(element)} components, but {len(output_types)} are wanted"
        )
    return tuple([as_array(component) for component in element])


@op(effect=Host())
def IteratorGetNext(
    iterator: Tensor[Resource], *, output_types: _TYPES, output_shapes: _SHAPES
) -> Returns(components=Tensors["output_types"]):
    """Gives the next element."""


@op(effect=Host())
def IteratorGetNextSync(
    iterator: Tensor[Resource], *, output_types: _TYPES, output_shapes: _SHAPES
) -> Returns(components=Tensors["output_types"]):
    """Gives the next element."""


def _component_shapes(output_shapes):
    return tuple(output_shapes) if len(output_shapes) != 1 else output_shapes[0]


for _opdef in (IteratorGetNext, IteratorGetNextSync):
    _opdef.run(_get_next)
    _opdef.shape(_component_shapes)
    _opdef.no_gradient("elements come from outside")


@op(effect=Host())
def IteratorToStringHandle(resource_handle: Tensor[Resource]) -> Returns(
    string_handle=Tensor[String]
):
    """Gives a string that stands for an iterator."""


@IteratorToStringHandle.run
def _(resource_handle):
    container, name = _behind(resource_handle).key
    return as_array(codec.encode((container, name)))


@op(effect=Host())
def IteratorFromStringHandle(
    string_handle: Tensor[String],
    *,
    output_types: _ANY_TYPES = [],  # noqa: B006
    output_shapes: _ANY_SHAPES = [],  # noqa: B006
) -> Returns(resource_handle=Tensor[Resource]):
    """Gives the iterator that a string stands for."""


@op(effect=Host())
def IteratorFromStringHandleV2(
    string_handle: Tensor[String],
    *,
    output_types: _ANY_TYPES = [],  # noqa: B006
    output_shapes: _ANY_SHAPES = [],  # noqa: B006
) -> Returns(resource_handle=Tensor[Resource]):
    """Gives the iterator that a string stands for."""


def _from_string(ctx, string_handle, output_types, output_shapes):
    data = string_handle.item() if isinstance(string_handle, np.ndarray) else string_handle
    try:
        container, name = codec.decode(data)
        found = ctx.resources.lookup(container, name, IteratorResource)
    except (errors.DataLossError, TypeError, ValueError):
        raise invalid("The string handle stands for no iterator of this session") from None
    _check_structure(found, output_types, output_shapes)
    return found


for _opdef in (IteratorFromStringHandle, IteratorFromStringHandleV2):
    _opdef.run(_from_string)


@op(effect=Host())
def SerializeIterator(resource_handle: Tensor[Resource]) -> Returns(serialized=Tensor[Variant]):
    """Gives where an iterator is."""


@SerializeIterator.run
def _(resource_handle):
    return as_array(_behind(resource_handle).save())


@op(effect=Host())
def DeserializeIterator(resource_handle: Tensor[Resource], serialized: Tensor[Variant]) -> None:
    """Lets an iterator go on where another was."""


@DeserializeIterator.run
def _(resource_handle, serialized):
    _behind(resource_handle).restore(np.asarray(serialized, object).item())
    return ()


@op(effect=Host())
def IteratorState(resource_handle: Tensor[Resource]) -> Returns(state=Tensor[String]):
    """Gives where an iterator is, as a string for a checkpoint."""


@IteratorState.run
def _(resource_handle):
    return as_array(_behind(resource_handle).save())


@op(effect=Host())
def SetIteratorState(resource_handle: Tensor[Resource], state: Tensor[String]) -> None:
    """Lets an iterator go on where the one was whose state is given."""


@SetIteratorState.run
def _(resource_handle, state):
    _behind(resource_handle).restore(state.item() if isinstance(state, np.ndarray) else state)
    return ()


@op(effect=Host())
def DatasetToSingleElement(
    dataset: Tensor[Variant], *, output_types: _TYPES, output_shapes: _SHAPES
) -> Returns(components=Tensors["output_types"]):
    """Gives the only element of a dataset."""


@DatasetToSingleElement.run
def _(dataset):
    iterator = dataset.iterate(Scope())
    try:
        element = iterator.next()
        if element is None:
            raise invalid("Dataset was empty.")
        if iterator.next() is not None:
            raise invalid("Dataset had more than one element.")
    finally:
        iterator.close()
    return tuple(as_array(component) for component in element)


DatasetToSingleElement.shape(_component_shapes)


@op(effect=Host())
def DatasetCardinality(input_dataset: Tensor[Variant]) -> Returns(cardinality=Tensor[Int64]):
    """Gives the number of elements, -1 for no end, -2 if it is not known."""


@DatasetCardinality.run
def _(input_dataset):
    return np.int64(input_dataset.cardinality)


@op(effect=Host())
def DatasetToTFRecord(
    input_dataset: Tensor[Variant], filename: Tensor[String], compression_type: Tensor[String]
) -> None:
    """Writes the elements of a dataset, strings, to a TFRecord file."""


@DatasetToTFRecord.run
def _(input_dataset, filename, compression_type):
    path, compression = (np.ravel(x).tolist()[0].decode() for x in (filename, compression_type))
    iterator = input_dataset.iterate(Scope())
    try:
        with TFRecordWriter(path, compression) as writer:
            while (element := iterator.next()) is not None:
                writer.write(element[0])
    finally:
        iterator.close()
    return ()


# -- optional elements


@op(effect=Host())
def IteratorGetNextAsOptional(
    iterator: Tensor[Resource], *, output_types: _TYPES, output_shapes: _SHAPES
) -> Returns(optional=Tensor[Variant]):
    """Gives the next element, or at the end an optional without value."""


@IteratorGetNextAsOptional.run
def _(ctx, iterator):
    return Optional(_behind(iterator).next(ctx.cancel))


class Optional:
    """An element, or none."""

    def __init__(self, element):
        self.element = element


@op(effect=Host())
def OptionalFromValue(components: Tensors["Toutput_types"]) -> Returns(optional=Tensor[Variant]):
    """Gives an optional with a value."""


@OptionalFromValue.run
def _(components):
    return Optional(tuple(components))


@op(effect=Host())
def OptionalNone() -> Returns(optional=Tensor[Variant]):
    """Gives an optional without value."""


@OptionalNone.run
def _():
    return Optional(None)


@op(effect=Host())
def OptionalHasValue(optional: Tensor[Variant]) -> Returns(has_value=Tensor[Bool]):
    """Tells whether an optional has a value."""


@OptionalHasValue.run
def _(optional):
    return np.bool_(optional.element is not None)


@op(effect=Host())
def OptionalGetValue(
    optional: Tensor[Variant], *, output_types: _TYPES, output_shapes: _SHAPES
) -> Returns(components=Tensors["output_types"]):
    """Gives an optional's value."""


@OptionalGetValue.run
def _(optional):
    if optional.element is None:
        raise invalid("The given optional does not have a value.")
    return tuple(as_array(component) for component in optional.element)


OptionalGetValue.shape(_component_shapes)
OptionalGetValue.no_gradient("elements come from outside")

for _opdef in (
    *(IteratorV2, Iterator, OneShotIterator, IteratorToStringHandle, IteratorFromStringHandle),
    *(IteratorFromStringHandleV2, SerializeIterator, IteratorState, DatasetCardinality),
    *(IteratorGetNextAsOptional, OptionalFromValue, OptionalNone, OptionalHasValue),
):
    _opdef.shape_scalar()
for _opdef in (
    *(IteratorV2, Iterator, OneShotIterator, MakeIterator, IteratorToStringHandle),
    *(IteratorFromStringHandle, IteratorFromStringHandleV2, SerializeIterator),
    *(DeserializeIterator, IteratorState, SetIteratorState, DatasetToSingleElement),
    *(DatasetCardinality, DatasetToTFRecord, IteratorGetNextAsOptional, OptionalFromValue),
    *(OptionalNone, OptionalHasValue),
):
    _opdef.no_gradient("an iterator is no number")
