"""The dataflow ops of TensorFlow 1.x's branches and loops, as GraphDefs hold them.

`Switch` passes its input on to one of two outputs; what follows from the other is *dead* and does
not run. `Merge` passes on what is alive. `Enter` passes a value into a loop's frame,
`NextIteration` to its next iteration, `Exit` out of it. What is dead is no matter of single nodes:
the rules here say only what a node does with live inputs; the executor does the rest
(`millstream.compiler.frames`), unless
`millstream.rewrite.functionalize` turns the nodes into functional branches and loops.
"""

from typing import Any

import numpy as np

from millstream.base.errors import AbortedError
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Bool, Host, Int32, Ref, Refs, Returns, Tensor, Tensors, op
from millstream.ops.math import equal


@op(effect=Host())
def Switch[T](data: Tensor[T], pred: Tensor[Bool]) -> Returns(
    output_false=Tensor[T], output_true=Tensor[T]
):  # fmt: skip
    """Passes `data` on to the output that `pred` chooses; the other one is dead."""


@op(effect=Host())
def RefSwitch[T](data: Ref[T], pred: Tensor[Bool]) -> Returns(
    output_false=Ref[T], output_true=Ref[T]
):  # fmt: skip
    """Passes a ref on to the output that `pred` chooses; the other one is dead."""


@op(effect=Host())
def Merge[T](inputs: Tensors[T, "N"]) -> Returns(output=Tensor[T], value_index=Tensor[Int32]):
    """Passes on the input that is alive, and its number."""


@op(effect=Host())
def RefMerge[T](inputs: Refs[T, "N"]) -> Returns(output=Ref[T], value_index=Tensor[Int32]):
    """Passes on the ref that is alive, and its number."""


@op(effect=Host())
def Enter[T](
    data: Tensor[T], *, frame_name: str, is_constant: bool = False, parallel_iterations: int = 10
) -> Tensor[T]:
    """Passes a value into a loop: to its first iteration, or, if constant, to all."""


@op(effect=Host())
def RefEnter[T](
    data: Ref[T], *, frame_name: str, is_constant: bool = False, parallel_iterations: int = 10
) -> Ref[T]:
    """Passes a ref into a loop."""


@op(effect=Host())
def Exit[T](data: Tensor[T]) -> Tensor[T]:
    """Passes a value out of a loop."""


@op(effect=Host())
def RefExit[T](data: Ref[T]) -> Ref[T]:
    """Passes a ref out of a loop."""


@op(effect=Host())
def NextIteration[T](data: Tensor[T]) -> Tensor[T]:
    """Passes a value to the next iteration of a loop."""


@op(effect=Host())
def RefNextIteration[T](data: Ref[T]) -> Ref[T]:
    """Passes a ref to the next iteration of a loop."""


@op(effect=Host())
def LoopCond(input: Tensor[Bool]) -> Tensor[Bool]:
    """Is the condition of a loop."""


@op(effect=Host())
def ControlTrigger() -> None:
    """Does nothing, also where what it waits for is dead."""


@op(effect=Host())
def Abort(*, error_msg: str = "", exit_without_error: bool = False) -> None:
    """Ends the step with an error."""


def _rules_of_switches() -> None:
    for opdef in (Switch, RefSwitch):

        @opdef.shape
        def _(data: Any, pred: Any) -> Any:
            pred.assert_has_rank(0)
            return data, data

        @opdef.run
        def _(data: Any, pred: Any) -> Any:
            return (None, data) if pred else (data, None)

    @Switch.gradient
    def _(node: Any, *dys: Any) -> Any:
        # The branch that is not taken sends nothing, and Merge takes the one that comes.
        alive = [dy for dy in dys if dy is not None]
        if len(alive) < 2:
            return [alive[0] if alive else None, None]
        return [Merge(list(dys), name="cond_grad")[0], None]

    RefSwitch.gradient(Switch.gradient_fn)


def _rules_of_merges() -> None:
    for opdef in (Merge, RefMerge):

        @opdef.shape
        def _(inputs: Any) -> Any:
            shape = inputs[0]
            for other in inputs[1:]:
                shape = shape.most_specific_compatible_shape(other)
            return shape, []

        @opdef.run
        def _(inputs: Any) -> Any:
            index = next(i for i, value in enumerate(inputs) if value is not None)
            return inputs[index], np.int32(index)

        opdef.no_gradient("branches and loops are differentiated as a whole")

    @Merge.gradient
    def _(node: Any, dy: Any, _: Any) -> Any:
        sides = [_side_of(t) for t in node.inputs]
        if len(sides) == 2 and None not in sides and sides[0][0] is sides[1][0]:
            pair = Switch(dy, sides[0][0], name="cond_grad")
            return [pair[side] for _, side in sides]
        index = node.outputs[1]
        chosen = [equal(index, i) for i in range(len(node.inputs))]
        return [Switch(dy, pred, name="cond_grad")[1] for pred in chosen]


def _side_of(tensor: Any) -> Any:
    """Gives the tensor and the number of the output of the `Switch` that a tensor follows from."""
    seen, stack = set(), [tensor]
    while stack:
        tensor = stack.pop()
        if tensor.op.type == "Switch":
            return tensor.op.inputs[1], tensor.value_index
        if tensor.op not in seen and tensor.op.type != "Merge":
            seen.add(tensor.op)
            stack.extend(tensor.op.inputs)
    return None


def _rules_of_frames() -> None:
    passing = (Enter, RefEnter, Exit, RefExit, NextIteration, RefNextIteration)
    for opdef in (*passing, LoopCond):
        name = opdef.inputs[0].name
        opdef.run(_identity(name))
        opdef.no_gradient("raw loops are differentiated where they are built, not from their nodes")
    for opdef in (Exit, RefExit, NextIteration, RefNextIteration, LoopCond):
        opdef.shape_unchanged()
    for opdef in (Enter, RefEnter):

        @opdef.shape
        def _(data: Any, node: Any) -> Any:
            return data


def _identity(name: str) -> Any:
    def of_data(data: Any) -> Any:
        return data

    def of_input(input: Any) -> Any:
        return input

    return of_data if name == "data" else of_input


@ControlTrigger.run
def _() -> Any:
    return None


@Abort.run
def _(error_msg: str, exit_without_error: bool) -> Any:
    if not exit_without_error:
        raise AbortedError(None, None, error_msg)


ControlTrigger.no_gradient("it has no outputs")
Abort.no_gradient("it has no outputs")
_rules_of_switches()
_rules_of_merges()
_rules_of_frames()


def switch(data: Any, pred: Any, dtype: Any = None, name: Any = None) -> Any:
    """Passes `data` on to one of two outputs; what follows from the other does not run.

    Args:
      data: A tensor.
      pred: A bool scalar.
      dtype: The type of `data`, if it is no tensor.
      name: A name for the operation.

    Returns:
      `(output_false, output_true)`.
    """
    with name_scope(name, "Switch", [data, pred]) as scope:
        data = convert_to_tensor(data, dtype=dtype, name="data")
        pred = convert_to_tensor(pred, name="pred")
        return Switch(data, pred, name=scope)


def merge(inputs: Any, name: Any = None) -> Any:
    """Passes on the input that is alive, and its number.

    Args:
      inputs: Tensors of one type, at most one of which is not dead.
      name: A name for the operation.

    Raises:
      ValueError: If one is None.
    """
    if any(value is None for value in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    with name_scope(name, "Merge", inputs) as scope:
        return Merge([convert_to_tensor(value) for value in inputs], name=scope)
