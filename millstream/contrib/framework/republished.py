"""Names that `contrib.framework`, `contrib.layers` and `contrib.slim` show of other modules."""

from millstream.base.export import export
from millstream.contrib.framework import argument_scopes, helpers
from millstream.contrib.layers import activation_summaries
from millstream.ir.convert import convert_to_tensor_or_sparse_tensor
from millstream.ops.flow.static_checks import assert_same_float_dtype, assert_scalar
from millstream.ops.math.sorting import argsort, sort
from millstream.state.global_step import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)
from millstream.state.safe_embedding import safe_embedding_lookup_sparse

_FRAMEWORK = (
    argsort, assert_same_float_dtype, assert_scalar, convert_to_tensor_or_sparse_tensor, sort,
)  # fmt: skip
for _value in _FRAMEWORK:
    export(f"contrib.framework.{_value.__name__}", module=__name__)(_value)

arg_scoped_arguments = argument_scopes.arg_scoped_arguments
current_arg_scope, has_arg_scope = argument_scopes.current_arg_scope, argument_scopes.has_arg_scope
assert_or_get_global_step = helpers.assert_or_get_global_step
_SLIM = (
    arg_scoped_arguments, current_arg_scope, has_arg_scope, assert_or_get_global_step,
    assert_global_step, create_global_step, get_global_step, get_or_create_global_step,
    safe_embedding_lookup_sparse,
)  # fmt: skip
for _value in _SLIM:
    export(f"contrib.slim.{_value.__name__}", module=__name__)(_value)
export("contrib.layers.safe_embedding_lookup_sparse", module=__name__)(safe_embedding_lookup_sparse)

summarize_activation = activation_summaries.summarize_activation
summarize_activations = activation_summaries.summarize_activations
summarize_collection = activation_summaries.summarize_collection
summarize_tensor = activation_summaries.summarize_tensor
summarize_tensors = activation_summaries.summarize_tensors
summarize_variables = activation_summaries.summarize_variables
summarize_weights = activation_summaries.summarize_weights
summarize_biases = activation_summaries.summarize_biases
for _name in (
    "activation", "activations", "collection", "tensor", "tensors", "variables", "weights",
    "biases",
):  # fmt: skip
    export(f"contrib.layers.summaries.summarize_{_name}", module=__name__)(
        globals()[f"summarize_{_name}"]
    )
