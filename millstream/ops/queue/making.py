"""Ops that make queues: of each kind one with a ref (as graphs of before TF 1.0 have it), one with
a resource handle.
"""

from millstream.base import errors
from millstream.ir.spec import (
    Host,
    ListOf,
    Ref,
    Resource,
    Returns,
    Shape,
    String,
    Tensor,
    Type,
    op,
)
from millstream.ops.queue.core import UNBOUNDED, Queue
from millstream.ops.queue.kinds import PaddingQueue, ShuffleQueue
from millstream.ops.queue.kinds import PriorityQueue as Priorities
from millstream.ops.queue.sharing import shared_resource

_Types = ListOf(Type, 1)
_Shapes = ListOf(Shape)
_Handle = Tensor[Resource]


@op(effect=Host())
def FIFOQueue(
    *,
    component_types: _Types,
    shapes: _Shapes = (),
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=Ref[String]):
    """Makes a queue that gives out elements in the order in which they came."""


@op(effect=Host())
def FIFOQueueV2(
    *,
    component_types: _Types,
    shapes: _Shapes = (),
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=_Handle):
    """Makes a queue that gives out elements in the order in which they came."""


@op(effect=Host())
def PaddingFIFOQueue(
    *,
    component_types: _Types,
    shapes: _Shapes = (),
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=Ref[String]):
    """Makes a queue whose batches are padded to the largest element."""


@op(effect=Host())
def PaddingFIFOQueueV2(
    *,
    component_types: _Types,
    shapes: _Shapes = (),
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=_Handle):
    """Makes a queue whose batches are padded to the largest element."""


@op(effect=Host())
def RandomShuffleQueue(
    *,
    component_types: _Types,
    shapes: _Shapes = (),
    capacity: int = -1,
    min_after_dequeue: int = 0,
    seed: int = 0,
    seed2: int = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=Ref[String]):
    """Makes a queue that gives out its elements in random order."""


@op(effect=Host())
def RandomShuffleQueueV2(
    *,
    component_types: _Types,
    shapes: _Shapes = (),
    capacity: int = -1,
    min_after_dequeue: int = 0,
    seed: int = 0,
    seed2: int = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=_Handle):
    """Makes a queue that gives out its elements in random order."""


@op(effect=Host())
def PriorityQueue(
    *,
    component_types: ListOf(Type) = (),
    shapes: _Shapes,
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=Ref[String]):
    """Makes a queue that gives out elements by an int64 priority, the smallest first."""


@op(effect=Host())
def PriorityQueueV2(
    *,
    component_types: ListOf(Type) = (),
    shapes: _Shapes,
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=_Handle):
    """Makes a queue that gives out elements by an int64 priority, the smallest first."""


_KINDS = (
    ((FIFOQueue, FIFOQueueV2), Queue),
    ((PaddingFIFOQueue, PaddingFIFOQueueV2), PaddingQueue),
    ((RandomShuffleQueue, RandomShuffleQueueV2), ShuffleQueue),
    ((PriorityQueue, PriorityQueueV2), Priorities),
)


def _runner_of(kind):
    """Gives the rule of the ops that make queues of class `kind`."""

    def run(ctx):
        attrs = ctx.node.attrs
        _check(attrs)

        def make(name):
            more = ()
            if kind is ShuffleQueue:
                more = attrs["min_after_dequeue"], (attrs["seed"], attrs["seed2"])
            types, shapes = attrs["component_types"], attrs["shapes"]
            return kind(name, ctx.node.name, attrs["capacity"], types, shapes, *more)

        queue = shared_resource(ctx, kind, make)
        if attrs["shared_name"]:
            _check_same(queue, make(""))
        return queue

    return run


def _check(attrs):
    kept, capacity = attrs.get("min_after_dequeue", 0), attrs["capacity"]
    if kept and 0 <= capacity <= kept:
        raise _invalid(f"min_after_dequeue {kept} must be < capacity {capacity}")


def _check_same(queue, wanted):
    """Checks that a shared queue is as another node wants it."""
    for what, found, asked in (
        ("capacity", queue.capacity, wanted.capacity),
        ("component types", _names(queue.types), _names(wanted.types)),
        ("component shapes", _words(queue.shapes), _words(wanted.shapes)),
        ("min_after_dequeue", *(getattr(q, "kept", 0) for q in (queue, wanted))),
        ("random seeds", *(getattr(q, "seeds", ()) for q in (queue, wanted))),
    ):
        if found != asked:
            raise _invalid(
                f"Shared queue '{queue.name}' has {what} {found} but requested {what} "
                f"{'was' if what in ('capacity', 'min_after_dequeue') else 'were'} {asked}"
            )


def _names(types):
    return ", ".join(dtype.name for dtype in types)


def _words(shapes):
    return f"[{', '.join(map(shape_words, shapes))}]"


def shape_words(shape):
    """Spells a shape as TensorFlow's run-time errors do: `[2,?]`."""
    sizes = shape if isinstance(shape, tuple) else shape.tuple
    if sizes is None:
        return "<unknown>"
    return f"[{','.join('?' if size is None else str(size) for size in sizes)}]"


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


for _opdefs, _kind in _KINDS:
    for _opdef in _opdefs:
        _opdef.shape_scalar()
        _opdef.run(_runner_of(_kind))
        _opdef.no_gradient("a queue is no number")

FIFOQueue.shape(lambda: [2])
PaddingFIFOQueue.shape(lambda: [2])
RandomShuffleQueue.shape(lambda: [2])
PriorityQueue.shape(lambda: [2])


@op(effect=Host())
def FakeQueue(resource: _Handle) -> Returns(handle=Ref[String]):
    """Gives a queue's handle as a ref, for readers that take one."""


FakeQueue.shape_scalar()
FakeQueue.no_gradient("a queue is no number")


@FakeQueue.run
def _(resource):
    return resource


__all__ = ["UNBOUNDED", "shape_words"]
