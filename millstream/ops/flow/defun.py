"""Functions that programs define: `Defun`, `tf.function`, `tf.contrib.eager.defun`."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from millstream.base import nest
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph, outermost
from millstream.ir.function import build, register, unique_function_name
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import Host, Reads, Writes
from millstream.ir.tensor import Tensor
from millstream.ops.array.identities import identity
from millstream.ops.flow import bodies
from millstream.ops.flow.calling import PartitionedCall, StatefulPartitionedCall

__all__ = ["Defun", "defun", "function"]


def call_function(body: FuncGraph, inputs: list[Tensor], name: str | None) -> Operation:
    """Adds a node that calls a registered body with `inputs` and what it captured."""
    graph = get_default_graph()
    stateful = bodies.is_stateful([body])
    opdef = StatefulPartitionedCall if stateful else PartitionedCall
    operands = [*inputs, *body.captures]
    types = bodies.base_types(body.outputs)
    attrs = {
        "Tin": bodies.base_types(operands),
        "Tout": types,
        "f": register(body),
        "config": "",
        "config_proto": "",
        "executor_type": "",
    }
    with bodies.after_captured([body]):
        node = graph.create_node(opdef, operands, attrs, types, name or opdef.name)
    for output, inner in zip(node.values(), body.outputs):
        output._shape = inner.shape
        output._handle_data = inner._handle_data
    return node


# -- Defun


class Defun:
    """Makes a function of the graph's library of the decorated Python function of tensors.

    Each call adds one node. Outer tensors that the function uses become further inputs.

    Args:
      *input_types: the types of its arguments; without them, each combination of types that it is
        called with makes a function of its own.
      func_name: its name in the library, by default the Python function's.
      grad_func: a `Defun` that computes its gradient, of its inputs and its outputs' gradients.
      python_grad_func: a Python function that does, `(node, *dys) -> dxs`.
      out_names: names of its outputs, accepted.
      shape_func: of the calling node; gives the shapes of its outputs.
      noinline: accepted.
      capture_by_value: accepted.

    Raises:
      ValueError: when called, if the number or types of the arguments differ.

    Example:
      >>> @Defun("float32", "float32")
      ... def hypotenuse(x, y):
      ...     return sqrt(x * x + y * y)
    """

    def __init__(self, *input_types: Any, **kwargs: Any) -> None:
        self._input_types = [as_dtype(t) for t in input_types]
        self._options = kwargs

    def __call__(self, func: Any) -> Any:
        if not callable(func):
            raise ValueError(f"function {func} must be callable")
        count = _arity(func)
        types = self._input_types
        if types and count is not None and len(types) > count:
            raise ValueError("The function has fewer arguments than the number of specified types.")
        if types and count is not None and len(types) < count:
            raise ValueError("The function has more arguments than the number of specified types.")
        if types or count == 0:
            return DefinedFunction(func, types, self._options)
        return _Overloaded(func, self._options)


def _arity(func: Any) -> int | None:
    """Tells how many arguments a function takes; None for any number."""
    parameters = inspect.signature(func).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.default is p.empty for p in parameters)


class DefinedFunction:
    """What `Defun` makes: a function of the graph's library, made when it is first needed."""

    def __init__(self, func: Any, types: Any, options: dict[str, Any]) -> None:
        self._func, self._types, self._options = func, types, options
        given = options.get("func_name") or getattr(func, "__name__", "function")
        self._name = given.strip("_<>") or "function"
        self._bodies: dict[Graph, FuncGraph] = {}
        functools.update_wrapper(self, func, updated=())

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.body().name

    @property
    def declared_input_types(self) -> list[Any]:
        """The types of its arguments."""
        return list(self._types)

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The outer tensors that it uses."""
        return list(self.body().captures)

    @property
    def definition(self) -> Any:
        """The function as a `FunctionDef`."""
        body = self.body()
        return outermost(body).functions[body.name].to_proto()

    @property
    def stateful_ops(self) -> list[tuple[str, str]]:
        """Names and types of the nodes with state inside."""
        nodes = [n for n in self.body().nodes if n.opdef.stateful and n.type != "Placeholder"]
        return [(node.name, node.type) for node in nodes]

    def add_to_graph(self, graph: Graph) -> None:
        """Adds the function to a graph's library."""
        with graph.as_default():
            self.body()

    def body(self) -> FuncGraph:
        """Returns the function's body in the default graph, made if there is none yet."""
        graph = get_default_graph()
        found = self._bodies.get(graph)
        if found is None:
            arguments = [(t, None) for t in self._types]
            found = build(self._name, self._flat, arguments)
            found.runs_side_effects = True
            register(found)
            self._bodies[graph] = found
        return found

    def _flat(self, *args: Tensor) -> list[Any]:
        result = self._func(*args)
        if result is None or isinstance(result, Operation):
            return []
        return list(result) if isinstance(result, (list, tuple)) else [result]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = kwargs.pop("name", None)
        kwargs.pop("noinline", None)
        if kwargs:
            raise ValueError(f"Unknown keyword arguments: {kwargs.keys()}")
        if len(args) != len(self._types):
            raise ValueError(
                f"Expected number of arguments: {len(self._types)}, received: {len(args)}"
            )
        inputs = [self._input(i, value) for i, value in enumerate(args)]
        body = self.body()
        node = call_function(body, inputs, name or body.name)
        self._attach(node)
        outputs = node.values()
        if not outputs:
            return node
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _input(self, index: int, value: Any) -> Tensor:
        wanted = self._types[index]
        if isinstance(value, Tensor) and value.dtype.base_dtype is not wanted.base_dtype:
            raise ValueError(
                f"Argument {index} of function '{self._name}' is {value.dtype.base_dtype.name}, "
                f"expected {wanted.name}."
            )
        return convert_to_tensor(value, wanted)

    def _attach(self, node: Operation) -> None:
        python_grad, grad = self._options.get("python_grad_func"), self._options.get("grad_func")
        if python_grad is not None:
            node.own_gradient = python_grad
        elif grad is not None:
            node.own_gradient = lambda op, *dys: _as_list(
                grad(*op.inputs[: len(self._types)], *dys)
            )
        shape_func = self._options.get("shape_func")
        if shape_func is not None:
            for output, shape in zip(node.values(), shape_func(node)):
                output.set_shape(shape)


def _as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


class _Overloaded:
    """A `Defun` without types: one function for each combination of types."""

    def __init__(self, func: Any, options: dict[str, Any]) -> None:
        self._func, self._options = func, options
        self._known: dict[tuple[Any, ...], DefinedFunction] = {}

    def instantiate(self, input_types: Any) -> DefinedFunction:
        """Returns the function for some types."""
        key = tuple(as_dtype(t) for t in input_types)
        if key not in self._known:
            name = self._options.get("func_name")
            if name is not None:
                name = "_".join([name, "".join(f"{t.name[0]}{t.size * 8}" for t in key)])
            options = {**self._options, "func_name": name}
            self._known[key] = DefinedFunction(self._func, list(key), options)
        return self._known[key]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tensors = [convert_to_tensor(a) for a in args]
        return self.instantiate([t.dtype.base_dtype for t in tensors])(*tensors, **kwargs)


# -- tf.function


@export("function", "contrib.eager.function")
def function(
    func=None,
    input_signature=None,
    autograph=True,
    experimental_autograph_options=None,
    experimental_relax_shapes=False,
    experimental_compile=None,
):
    """Makes a function of the graph's library of a Python function of nested structures.

    Python code inside runs once per combination of structures, dtypes, shapes and values that are
    no tensors. What assigns, reads variables or prints runs in the order in which it was written.

    Args:
      func: the Python function; without it, a decorator is returned.
      input_signature: list of `TensorSpec`s that calls must fit.
      autograph: accepted; Python's own `if` and `while` are not translated.
      experimental_autograph_options: accepted.
      experimental_relax_shapes: accepted.
      experimental_compile: accepted; compiling follows from use.

    Example:
      >>> @function
      ... def add_one(x):
      ...     return x + 1
    """
    del autograph, experimental_autograph_options, experimental_relax_shapes, experimental_compile
    if func is None:
        return functools.partial(function, input_signature=input_signature)
    return PolymorphicFunction(func, input_signature)


@export("contrib.eager.defun")
def defun(
    func=None,
    input_signature=None,
    autograph=True,
    experimental_autograph_options=None,
    experimental_relax_shapes=False,
):
    """Is `tf.function` under its former name."""
    return function(
        func,
        input_signature,
        autograph,
        experimental_autograph_options,
        experimental_relax_shapes,
    )


class PolymorphicFunction:
    """What `tf.function` makes: a body for each combination of what it is called with."""

    def __init__(self, func: Any, input_signature: Any) -> None:
        self._func, self._signature = func, input_signature
        self._bodies: dict[Any, FuncGraph] = {}
        functools.update_wrapper(self, func, updated=())

    @property
    def python_function(self) -> Any:
        """The Python function."""
        return self._func

    def __get__(self, instance: Any, owner: Any) -> Any:
        """Binds a method to its object."""
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = self._canonical(args, kwargs)
        flat = nest.flatten((args, kwargs), expand_composites=True)
        tensors = [v for v in flat if isinstance(v, Tensor)]
        body = self._body(args, kwargs, flat, tensors)
        node = call_function(body, tensors, None)
        outputs = iter(node.values())
        # Results that are no tensors come back as they are.
        return nest.map_structure(
            lambda item: next(outputs) if isinstance(item, Tensor) else item,
            body.structured_outputs,
            expand_composites=True,
        )

    def _canonical(self, args: Any, kwargs: Any) -> Any:
        if self._signature is not None:
            if len(args) != len(self._signature):
                raise ValueError(
                    f"The function takes {len(self._signature)} arguments by its input_signature, "
                    f"got {len(args)}."
                )
            args = tuple(map(_fitting, args, self._signature))
        return nest.map_structure(_as_argument, (tuple(args), dict(kwargs)), expand_composites=True)

    def _body(self, args: Any, kwargs: Any, flat: list[Any], tensors: list[Tensor]) -> FuncGraph:
        graph = get_default_graph()
        key = (graph, repr(nest.map_structure(lambda _: 0, (args, kwargs))), *map(_key, flat))
        found = self._bodies.get(key)
        if found is None:
            found = self._bodies[key] = self._trace(args, kwargs, flat, tensors)
        return found

    def _trace(self, args: Any, kwargs: Any, flat: list[Any], tensors: list[Tensor]) -> FuncGraph:
        name = unique_function_name(f"__inference_{getattr(self._func, '__name__', 'function')}")
        body = FuncGraph(name, inline=False)
        with body.as_default():
            inputs = {
                i: body.add_input(t.dtype.base_dtype, t.shape, f"arg.{i}")
                for i, t in enumerate(tensors)
            }
            position = iter(range(len(tensors)))
            values = [inputs[next(position)] if isinstance(v, Tensor) else v for v in flat]
            inner_args, inner_kwargs = nest.pack_sequence_as(
                (args, kwargs), values, expand_composites=True
            )
            result = self._func(*inner_args, **inner_kwargs)
            _order(body)
            body.structured_outputs = nest.map_structure(
                functools.partial(_result, body), result, expand_composites=True
            )
        flat_result = nest.flatten(body.structured_outputs, expand_composites=True)
        body.outputs = [t for t in flat_result if isinstance(t, Tensor)]
        body.runs_side_effects = True
        return body


def _as_argument(value: Any) -> Any:
    if isinstance(value, Tensor) or not hasattr(value, "dtype") or hasattr(value, "handle"):
        return value
    return convert_to_tensor(value)


def _fitting(value: Any, spec: Any) -> Tensor:
    tensor = convert_to_tensor(value, spec.dtype)
    if not TensorShape(spec.shape).is_compatible_with(tensor.shape):
        raise ValueError(f"{tensor} does not fit the input_signature's {spec}.")
    return tensor


def _key(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.dtype, value.shape.tuple
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value


def _result(body: FuncGraph, value: Any) -> Any:
    if value is None or isinstance(value, Operation):
        return None
    tensor = body.capture(convert_to_tensor(value))
    return identity(tensor) if tensor.dtype.is_ref else tensor


def _order(body: FuncGraph) -> None:
    """Lets what reads or changes state run in the order in which it was made."""
    last: Operation | None = None
    for node in body.nodes:
        if not isinstance(node.opdef.effect, (Host, Reads, Writes)):
            continue
        if last is not None:
            node.add_control_inputs([last])
        last = node
