"""`tf.data.Iterator` and how datasets get one."""

from __future__ import annotations

import base64
import warnings
from typing import Any

from millstream.base import dtypes
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.data import specs, structures
from millstream.data.specs import element_attrs
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import register, unique_function_name
from millstream.ir.opdef import Reads, Variable, Writes
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.flow.bodies import uncounted

_MANY_CALLS = 32
GLOBAL_ITERATORS = "iterators"


@export("data.Iterator", "contrib.data.Iterator")
class Iterator:
    """Walks over a dataset: every run of what `get_next` gives takes the next element.

    Programs get one from a dataset, or from `from_structure` or `from_string_handle`.

    Args:
      iterator_resource: tensor of its handle.
      initializer: operation that starts it, or None.
      output_types: structure of types.
      output_shapes: structure of shapes.
      output_classes: structure of classes.
    """

    def __init__(
        self,
        iterator_resource: Tensor,
        initializer: Any,
        output_types: Any,
        output_shapes: Any,
        output_classes: Any,
    ) -> None:
        self._iterator_resource, self._initializer = iterator_resource, initializer
        if output_types is None or output_shapes is None or output_classes is None:
            raise ValueError(
                "If `structure` is not specified, all of `output_types`, `output_shapes`, and "
                "`output_classes` must be specified."
            )
        self._spec = specs.from_legacy(output_types, output_shapes, output_classes)
        self._string_handle = ops.IteratorToStringHandle(iterator_resource)
        self._calls = 0
        get_default_graph().add_to_collection(GLOBAL_ITERATORS, iterator_resource)

    @staticmethod
    def from_structure(
        output_types: Any,
        output_shapes: Any = None,
        shared_name: str | None = None,
        output_classes: Any = None,
    ) -> Iterator:
        """Returns an iterator that datasets of one structure can start; see `make_initializer`.

        Args:
          output_types: structure of types of an element.
          output_shapes: structure of shapes; unknown by default.
          shared_name: name under which several sessions of a server find it.
          output_classes: structure of classes; `tf.Tensor` by default.

        Raises:
          TypeError, ValueError: if the structures differ.
        """
        types, shapes, classes = _structure(output_types, output_shapes, output_classes)
        spec = specs.from_legacy(types, shapes, classes)
        handle = ops.IteratorV2(shared_name=shared_name or "", container="", **element_attrs(spec))
        return Iterator(handle, None, types, shapes, classes)

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """Returns the iterator that a string stands for, which may be fed.

        Args:
          string_handle: scalar string tensor: what `string_handle` of an iterator gives.
          output_types: structure of types of an element.
          output_shapes: structure of shapes; unknown by default.
          output_classes: structure of classes; `tf.Tensor` by default.
        """
        types, shapes, classes = _structure(output_types, output_shapes, output_classes)
        spec = specs.from_legacy(types, shapes, classes)
        text = convert_to_tensor(string_handle, dtypes.string)
        handle = ops.IteratorFromStringHandleV2(text, **element_attrs(spec))
        return Iterator(handle, None, types, shapes, classes)

    @property
    def initializer(self) -> Any:
        """The operation that starts it.

        Raises:
          ValueError: if there is none.
        """
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Any, name: str | None = None) -> Any:
        """Returns an operation that starts the iterator on a dataset.

        Args:
          dataset: has elements of the iterator's structure.
          name: name of the operation.

        Raises:
          TypeError, ValueError: if it has not.
        """
        self._check(dataset)
        return ops.MakeIterator(
            dataset._variant_tensor, self._iterator_resource, name=name or "make_initializer"
        )

    def _check(self, dataset: Any) -> None:
        structures.assert_same(self.output_types, dataset.output_types)
        structures.assert_same(self.output_shapes, dataset.output_shapes)
        for word, mine, theirs in (
            ("types", self.output_types, dataset.output_types),
            ("classes", self.output_classes, dataset.output_classes),
        ):
            if structures.flatten(mine) != structures.flatten(theirs):
                raise TypeError(
                    f"Expected output {word} {mine!r} but got dataset with output {word} "
                    f"{theirs!r}."
                )
        mine, theirs = self.output_shapes, dataset.output_shapes
        for one, other in zip(structures.flatten(mine), structures.flatten(theirs), strict=True):
            if isinstance(one, TensorShape) and not one.is_compatible_with(other):
                raise TypeError(
                    f"Expected output shapes compatible with {mine!r} but got dataset with output "
                    f"shapes {theirs!r}."
                )

    def get_next(self, name: str | None = None) -> Any:
        """Returns the next element: structure of tensors that have a new value in every step.

        Call it once, before the loop of steps.

        Args:
          name: name of the node.

        Raises:
          OutOfRangeError: when it runs, at the end.
          FailedPreconditionError: when it runs, if the iterator was not started.
        """
        self._calls += 1
        if self._calls > _MANY_CALLS:
            warnings.warn(
                "An unusually high number of `Iterator.get_next()` calls was detected. This often "
                "indicates that `Iterator.get_next()` is being called inside a training loop, "
                "which will cause gradual slowdown and eventual resource exhaustion. If this is "
                "the case, restructure your code to call `next_element = iterator.get_next()` "
                "once outside the loop, and use `next_element` as the input to some computation "
                "that is invoked inside the loop.",
                stacklevel=2,
            )
        flat = ops.IteratorGetNext(self._iterator_resource, **element_attrs(self._spec), name=name)
        return specs.from_tensors(self._spec, list(flat))

    def string_handle(self, name: str | None = None) -> Tensor:
        """Returns a string tensor that stands for the iterator; see `from_string_handle`."""
        if name is None:
            return self._string_handle
        return ops.IteratorToStringHandle(self._iterator_resource, name=name)

    @property
    def element_spec(self) -> Any:
        """The specs of an element."""
        return self._spec

    @property
    def output_types(self) -> Any:
        """The types of an element's parts."""
        return specs.legacy(self._spec, 0)

    @property
    def output_shapes(self) -> Any:
        """The shapes of an element's parts."""
        return specs.legacy(self._spec, 1)

    @property
    def output_classes(self) -> Any:
        """The classes of an element's parts."""
        return specs.legacy(self._spec, 2)


def _structure(types: Any, shapes: Any, classes: Any) -> tuple[Any, Any, Any]:
    """Gives structures of types, shapes and classes of one form."""
    types = structures.map_structure(
        lambda t: t if isinstance(t, specs.TypeSpec) else dtypes.as_dtype(t), types
    )
    if shapes is None:
        shapes = structures.map_structure(lambda _: TensorShape(None), types)
    else:
        shapes = structures.map_up_to(lambda _, s: as_shape(s), types, shapes)
    if classes is None:
        classes = structures.map_structure(lambda _: Tensor, types)
    structures.assert_same(types, shapes)
    return types, shapes, classes


def _classic(dataset: Any) -> tuple[Any, Any, Any]:
    return dataset.output_types, dataset.output_shapes, dataset.output_classes


def optimized_variant(dataset: Any, variant: Tensor) -> Tensor:
    """Gives a dataset's variant with the rewrites that its options ask for."""
    attrs, options = element_attrs(dataset.element_spec), dataset.options()
    passes = options.experimental_optimization.passes()
    if passes:
        names = convert_to_tensor(passes, dtypes.string, name="optimizations")
        configs = ["map_vectorization:use_choose_fastest:false"]
        variant = ops.OptimizeDataset(variant, names, optimization_configs=configs, **attrs)
    if options.experimental_optimization.autotune is not False:
        variant = ops.ModelDataset(variant, **attrs)
    return variant


@export("data.make_initializable_iterator")
def make_initializable_iterator(dataset: Any, shared_name: str | None = None) -> Iterator:
    """Returns an iterator that starts when its `initializer` is run."""
    return initializable(dataset, shared_name)


@export("data.make_one_shot_iterator")
def make_one_shot_iterator(dataset: Any) -> Iterator:
    """Returns an iterator that starts by itself."""
    return one_shot(dataset)


def initializable(dataset: Any, shared_name: str | None) -> Iterator:
    """Makes an iterator that starts when it is told to.

    Raises:
      ValueError: if the dataset is of another graph.
    """
    if dataset._variant_tensor.graph is not get_default_graph():
        raise ValueError(
            f"Dataset {dataset} was created in a different graph than the one it is used in: make "
            f"the iterator in the graph of the dataset."
        )
    variant = optimized_variant(dataset, dataset._variant_tensor)
    attrs = element_attrs(dataset.element_spec)
    handle = ops.IteratorV2(shared_name=shared_name or "", container="", **attrs)
    initializer = ops.MakeIterator(variant, handle)
    return Iterator(handle, initializer, *_classic(dataset))


def one_shot(dataset: Any) -> Iterator:
    """Makes an iterator that starts by itself: its dataset is copied into a function.

    Raises:
      ValueError: if it depends on state or on what is fed.
    """
    suffix = base64.b64encode(f"dataset_{id(dataset)}".encode(), b"__").decode().strip("=")
    body = FuncGraph(unique_function_name(f"_make_dataset_{suffix}"), inline=False)
    # TF 1.15 builds it in a graph of its own: seeds that are drawn later do not depend on it.
    with uncounted(body), body.as_default():
        copied = _copied(dataset._variant_tensor, body, {})
        body.outputs = [optimized_variant(dataset, copied)]
    handle = ops.OneShotIterator(
        dataset_factory=register(body), **element_attrs(dataset.element_spec)
    )
    return Iterator(handle, None, *_classic(dataset))


def _copied(tensor: Tensor, body: FuncGraph, done: dict[Tensor, Tensor]) -> Tensor:
    """Copies what a tensor is computed from into a function's body."""
    stack = [tensor.op]
    while stack:
        node = stack[-1]
        if node.values() and node.values()[0] in done:
            stack.pop()
            continue
        missing = [t.op for t in node.inputs if t not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        _check_copied(node)
        types = [t.dtype for t in node.values()]
        copy = body.create_node(
            node.opdef, [done[t] for t in node.inputs], dict(node.attrs), types, node.name
        )
        done.update(zip(node.values(), copy.values(), strict=True))
    return done[tensor]


def _check_copied(node: Any) -> None:
    if node.type in ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault"):
        raise ValueError(
            f"Cannot capture a placeholder (name:{node.name}, type:{node.type}) by value."
        )
    effect = node.opdef.effect
    is_state = isinstance(effect, (Variable, Reads, Writes)) or node.type.endswith("TableV2")
    if is_state:
        raise ValueError(
            f"Failed to create a one-shot iterator for a dataset. `Dataset.make_one_shot_iterator()"
            f"` does not support datasets that capture stateful objects, such as a `Variable` or "
            f"`LookupTable`. In these cases, use `Dataset.make_initializable_iterator()`. "
            f"(Original error: Cannot capture a stateful node (name:{node.name}, "
            f"type:{node.type}) by value.)"
        )


@export("data.get_output_types")
def get_output_types(dataset_or_iterator: Any) -> Any:
    """Returns the types of the elements of a dataset or iterator."""
    return dataset_or_iterator.output_types


@export("data.get_output_shapes")
def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """Returns the shapes of the elements of a dataset or iterator."""
    return dataset_or_iterator.output_shapes


@export("data.get_output_classes")
def get_output_classes(dataset_or_iterator: Any) -> Any:
    """Returns the classes of the elements of a dataset or iterator."""
    return dataset_or_iterator.output_classes
