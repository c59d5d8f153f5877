"""What an op is: typed inputs, attrs and outputs, an effect, and the rules that hang on it.

An `OpDef` is made by the `@op` decorator (`millstream.ir.spec`) from a function's signature. Its
rules are plain
functions whose parameter names choose what they are given; `Rule` turns that into calls on flat
lists of arrays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from millstream.base.dtypes import DType

if TYPE_CHECKING:
    from millstream.ir.graph import Operation


class _Missing:
    def __repr__(self) -> str:
        return "<no default>"


MISSING: Any = _Missing()

_SCALAR: list[int] = []  # a tuple would be the shapes of several outputs

type RuleKind = Literal["shape", "kernel", "reference", "run"]


@dataclass(frozen=True, slots=True)
class ArgSpec:
    """One declared input or output: one of `dtype`, `type_attr`, `type_list_attr` is set."""

    name: str
    dtype: DType | None = None
    type_attr: str | None = None
    type_list_attr: str | None = None
    number_attr: str | None = None
    is_ref: bool = False
    minimum: int = 0

    @property
    def is_list(self) -> bool:
        """Whether the argument stands for any number of tensors."""
        return self.number_attr is not None or self.type_list_attr is not None


@dataclass(frozen=True, slots=True)
class AttrSpec:
    """One declared attr. `kind` is TF's spelling: `int`, `type`, `list(shape)`, …"""

    name: str
    kind: str
    allowed: tuple[Any, ...] | None = None
    minimum: int | None = None
    default: Any = MISSING
    inferred: bool = False  # its value follows from the inputs

    @property
    def has_default(self) -> bool:
        """Whether a node may leave the attr out."""
        return self.default is not MISSING


@dataclass(frozen=True, slots=True)
class Effect:
    """What a node does besides computing outputs from inputs; see the subclasses."""


@dataclass(frozen=True, slots=True)
class Reads(Effect):
    """Reads the variables behind the resource or ref inputs `names`."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True)
class Writes(Effect):
    """Replaces the variables behind the inputs `names`.

    `initial` writes do not look at the old value.

    `sparse` says that the kernel touches only some rows: the compiler then keeps the update in
    place.
    """

    names: tuple[str, ...]
    initial: bool
    sparse: bool

    def __init__(self, *names: str, initial: bool = False, sparse: bool = False) -> None:
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "initial", initial)
        object.__setattr__(self, "sparse", sparse)


@dataclass(frozen=True, slots=True)
class Owns(Effect):
    """Owns a hidden array, made by `initial(node)` when a session first runs the node."""

    name: str
    initial: Callable[[Operation], Any] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Host(Effect):
    """Runs in Python, never compiled; a `blocking` one may wait for other nodes or steps."""

    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Variable(Effect):
    """Is the handle of a variable: output 0 is a ref or a resource."""


@dataclass(frozen=True, slots=True)
class Dynamic(Effect):
    """Has outputs whose shape depends on the inputs' values: runs by its reference."""


@dataclass(frozen=True, slots=True)
class Calls(Effect):
    """Runs functions that its attrs name; what it does besides follows from these."""


# What a rule's parameter is given: an input, a list of inputs, or the constant in a 1-tuple.
type _Pick = int | slice[int, int, None] | tuple[Any]


class Rule:
    """A rule of an op, callable on the flat list of input arrays of a node."""

    __slots__ = ("_sources", "fn", "kind", "opdef")

    def __init__(self, opdef: OpDef, kind: RuleKind, fn: Callable[..., Any]) -> None:
        self.opdef, self.kind, self.fn = opdef, kind, fn
        self._sources = [self._source(p) for p in inspect.signature(fn).parameters]

    def _source(self, param: str) -> tuple[str, Any]:
        for index, arg in enumerate(self.opdef.inputs):
            if arg.name == param:
                return "input", index
        if param in self.opdef.attrs:
            return "attr", param
        if isinstance(self.opdef.effect, Owns) and param == self.opdef.effect.name:
            return "state", None
        if self.kind == "shape":
            for index, arg in enumerate(self.opdef.inputs):
                for suffix in ("_value", "_as_shape", "_handle"):
                    if param == arg.name + suffix:
                        return suffix, index
        allowed = {"node"} | ({"check"} if self.kind == "kernel" else set[str]())
        allowed |= {"ctx"} if self.kind == "run" else set[str]()
        if param not in allowed:
            raise TypeError(f"{self.kind} rule of op {self.opdef.name} asks for unknown '{param}'")
        return "extra", param

    @property
    def sources(self) -> Sequence[tuple[str, Any]]:
        """For each parameter of the rule, what it is given: `(kind, index or name)`."""
        return self._sources

    def bind(self, node: Operation, **extras: Any) -> Callable[..., Any]:
        """Returns a function of the node's flat input arrays, with attrs and `extras` filled in.

        For ops with `Owns` state the state array is one more, last argument; so is the context of a
        `run` rule that asks for `ctx`, unless it is among the `extras`.
        """
        late = "ctx" not in extras and ("extra", "ctx") in self._sources
        spans = self.opdef.input_spans(node)
        picks: list[_Pick] = []
        for kind, key in self._sources:
            if kind == "input":
                index: int = key
                start, stop = spans[index]
                picks.append(slice(start, stop) if self.opdef.inputs[index].is_list else start)
            elif kind == "state":
                picks.append(len(node.inputs))
            elif kind == "attr":
                picks.append((node.attrs[key],))
            elif late and key == "ctx":
                picks.append(len(node.inputs))
            else:
                picks.append((node if key == "node" else extras[key],))
        more = late or isinstance(self.opdef.effect, Owns)
        return _bound(self.fn, picks, len(node.inputs) + more)


def _bound(fn: Callable[..., Any], picks: list[_Pick], arity: int) -> Callable[..., Any]:
    """Specialises the frequent patterns, since the result is called once per node and step."""
    if picks == list(range(arity)):
        return fn
    leading = [p for p in picks if isinstance(p, int)]
    constants = [p[0] for p in picks if isinstance(p, tuple)]
    plain = len(leading) + len(constants) == len(picks) and leading == list(range(arity))
    if plain and all(isinstance(p, int) for p in picks[:arity]):
        if arity == 1 and len(constants) == 1:
            c = constants[0]
            return lambda x: fn(x, c)  # pyright: ignore
        if arity == 2 and len(constants) == 1:
            c = constants[0]
            return lambda x, y: fn(x, y, c)  # pyright: ignore
        return lambda *arrays: fn(*arrays, *constants)

    def call(*arrays: Any) -> Any:
        return fn(*[_pick(p, arrays) for p in picks])

    return call


def _pick(pick: _Pick, arrays: tuple[Any, ...]) -> Any:
    if isinstance(pick, tuple):
        return pick[0]
    return list(arrays[pick]) if isinstance(pick, slice) else arrays[pick]


class OpDef:
    """A kind of node: its signature, effect and rules. Calling it makes a node in the default
    graph.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[ArgSpec],
        outputs: Sequence[ArgSpec],
        attrs: Iterable[AttrSpec],
        *,
        effect: Effect | None = None,
        static: Iterable[str] = (),
        stateful: bool = False,
        doc: str = "",
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.attrs = {a.name: a for a in attrs}
        self.effect = effect
        self.static = frozenset(static)
        self._static_if: Callable[[Operation], Iterable[str]] | None = None
        self.stateful = stateful or not (effect is None or isinstance(effect, (Calls, Dynamic)))
        self.__doc__ = doc
        self.__name__ = self.__qualname__ = name
        self.shape_rule: Rule | None = None
        self.kernel: Any = _RuleSlot(self, "kernel")
        self.reference: Any = _RuleSlot(self, "reference")
        self.run: Any = _RuleSlot(self, "run")
        self.computed_types: dict[str, tuple[DType, ...]] = {}
        self.has_buffers = False
        self.gradient_fn: Callable[..., Any] | None = None
        self.gradient_absence: str | None = None
        self.example_list: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.failure_list: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._has_lists = any(a.is_list for a in self.inputs)
        self._plain_spans = [(i, i + 1) for i in range(len(self.inputs))]

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __call__(self, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
        return self.apply(self, args, kwargs, name)

    apply: Callable[..., Any]  # set by `millstream.ir.apply`, which knows graphs and conversion

    # -- rules

    def shape(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the static shape rule."""
        self.shape_rule = Rule(self, "shape", fn)
        return fn

    def shape_unchanged(self) -> OpDef:
        """States that the (only) output has the shape of the first input."""
        self.shape_rule = Rule(self, "shape", _first_input_shape(self.inputs[0].name))
        return self

    def shape_scalar(self) -> OpDef:
        """States that every output is a scalar."""
        count = len(self.outputs)
        self.shape_rule = Rule(self, "shape", lambda: _SCALAR if count == 1 else (_SCALAR,) * count)
        return self

    def shape_unknown(self) -> OpDef:
        """States that nothing is known of the outputs' shapes."""
        self.shape_rule = None
        return self

    def carries_buffers(self) -> OpDef:
        """States that its handles and variants are values which compiled code can hold."""
        self.has_buffers = True
        return self

    def computes(self, **types: Iterable[DType]) -> OpDef:
        """States which types of a type attr the rules compute, where the attr allows more.

        Nodes of the other types can be built, saved and loaded; a step that needs one fails.
        """
        self.computed_types.update({attr: tuple(given) for attr, given in types.items()})
        return self

    def refusal(self, node: Operation) -> str | None:
        """Returns why the rules do not compute a node, `None` if they do."""
        for attr, types in self.computed_types.items():
            if node.attrs[attr] not in types:
                return (
                    f"No OpKernel was registered to support Op '{self.name}' used by node "
                    f"{node.name} with these attrs: [{attr}={node.attrs[attr].name}]. It computes "
                    f"{attr} in [{', '.join(t.name for t in types)}]"
                )
        return None

    def gradient(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the gradient rule `(node, *dys) -> [dx, …]`."""
        self.gradient_fn, self.gradient_absence = fn, None
        return fn

    def no_gradient(self, reason: str) -> OpDef:
        """States that the op has no gradient, and why: its inputs get `None`."""
        self.gradient_absence, self.gradient_fn = reason, None
        return self

    def examples(self, *args: Any, **kwargs: Any) -> OpDef:
        """Adds an example call that the contract test runs: positional inputs, keyword attrs."""
        self.example_list.append((args, kwargs))
        return self

    def fails(self, message: str, /, *args: Any, **kwargs: Any) -> OpDef:
        """Adds a call that must fail with an error that contains `message`."""
        self.failure_list.append((message, args, kwargs))
        return self

    def static_if(self, fn: Callable[[Operation], Iterable[str]]) -> Callable[..., Any]:
        """Registers a function that names the static inputs that a given node cannot do without.

        The kernel is given the others as NumPy arrays if they happen to be known, else traced.
        """
        self._static_if = fn
        return fn

    def static_names(self, node: Operation) -> frozenset[str]:
        """Returns the names of the inputs whose value must be known to compile `node`."""
        return self.static if self._static_if is None else frozenset(self._static_if(node))

    # -- structure of a node

    def input_spans(self, node: Operation) -> Sequence[tuple[int, int]]:
        """Returns for each declared input the range of flat inputs that it stands for."""
        if not self._has_lists:
            return self._plain_spans
        return arg_spans(self.inputs, node.attrs)

    def output_spans(self, node: Operation) -> Sequence[tuple[int, int]]:
        """Returns for each declared output the range of flat outputs that it stands for."""
        return arg_spans(self.outputs, node.attrs)


def arg_spans(args: Sequence[ArgSpec], attrs: dict[str, Any]) -> list[tuple[int, int]]:
    """Returns the range of flat tensors that each argument stands for, given a node's attrs."""
    spans: list[tuple[int, int]] = []
    start = 0
    for arg in args:
        count = 1
        if arg.number_attr is not None:
            count = attrs[arg.number_attr]
        elif arg.type_list_attr is not None:
            count = len(attrs[arg.type_list_attr])
        spans.append((start, start + count))
        start += count
    return spans


class _RuleSlot:
    """Stands for a rule that is not registered yet.

    Used as a decorator, it is replaced by the `Rule`.
    """

    def __init__(self, opdef: OpDef, kind: RuleKind) -> None:
        self._opdef = opdef
        self._kind: RuleKind = kind

    def __bool__(self) -> bool:
        return False

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        setattr(self._opdef, self._kind, Rule(self._opdef, self._kind, fn))
        return fn


def _first_input_shape(name: str) -> Callable[..., Any]:
    """Makes the identity rule with a parameter of the wanted name (rules go by parameter names)."""

    def rule(shape: Any) -> Any:
        return shape

    parameter = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    rule.__signature__ = inspect.Signature([parameter])  # type: ignore[attr-defined]
    return rule
