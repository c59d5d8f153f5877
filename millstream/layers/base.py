"""`tf.layers.Layer`: the base of all layers, their scopes and their variables."""

import copy
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np

from millstream.base import nest
from millstream.base.dtypes import Float, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.layers import lookups
from millstream.layers.holder import Holder
from millstream.layers.input_spec import check_inputs
from millstream.layers.naming import numbered, snake_case
from millstream.layers.styles import is_keras_style, made_variable, refuse
from millstream.ops import array, math
from millstream.runtime.session import get_default_session
from millstream.state.get_variable import get_variable
from millstream.state.initializers import GlorotUniform, Zeros
from millstream.state.listing import global_variables, trainable_variables
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.partitioned import PartitionedVariable
from millstream.state.scope import VariableScope
from millstream.state.scoping import variable_scope
from millstream.state.variables import create

_OPTIONS = ("input_shape", "batch_input_shape", "batch_size", "weights", "activity_regularizer",
            "autocast")  # fmt: skip


@export("layers.Layer")
class Layer(Holder):
    """Base of layers: functions from tensors to tensors that own variables.

    A subclass makes its variables in `build(input_shape)`, by `add_weight`, and its nodes in
    `call(inputs, …)`. The first call opens a variable scope, named after the class and numbered;
    later calls of the same object share the variables.

    Args:
      trainable: whether optimizers see the variables.
      name: the layer's name and its scope's; by default the class's name.
      dtype: element type of the variables; by default that of the first input.
      **kwargs: `_scope`, the variable scope to use; `_reuse`, whether variables must exist
        already; `activity_regularizer`, function from the output to a loss.

    Raises:
      TypeError: for another keyword.

    Example:
      >>> class Scale(tf.layers.Layer):
      ...     def build(self, input_shape):
      ...         self.k = self.add_weight("k", [])
      ...         super().build(input_shape)
      ...     def call(self, inputs):
      ...         return inputs * self.k
      >>> Scale(name="scale")(tf.ones([2])).name
      'scale/mul:0'
    """

    def __init__(self, trainable=True, name=None, dtype=None, **kwargs) -> None:
        super().__init__(trainable)
        self._scope = None
        given_scope, self._reuse = kwargs.pop("_scope", None), kwargs.pop("_reuse", None)
        for key in kwargs:
            if key not in _OPTIONS:
                raise TypeError("Keyword argument not understood:", key)
        self._set_names(name)
        self._dtype = None if dtype is None else as_dtype(dtype).name
        self._input_spec = None
        self._current_scope = None
        self._activity_regularizer = lookups.regularizer(kwargs.get("activity_regularizer"))
        self._use_resource_variables = False
        self.supports_masking = False
        self._initial_weights = kwargs.get("weights")
        self._keras_style = is_keras_style()
        if self._keras_style:
            refuse(reuse=self._reuse, scope=given_scope)
        elif given_scope:
            with variable_scope(given_scope) as captured:
                self._scope = captured

    def _set_names(self, name):
        base = name.name if isinstance(name, VariableScope) else name
        if name and not isinstance(name, VariableScope):
            self._name = name
        else:
            own = snake_case(type(self).__name__)
            self._name = numbered(own)
            base = base if name else own
        self._base_name = base

    # -- what it is

    @property
    def name(self):
        """The layer's name; the scope's may have another number."""
        return self._name

    @property
    def scope_name(self):
        """The name of its variable scope.

        Raises:
          ValueError: if the layer has not been used yet.
        """
        if self._scope is None:
            raise ValueError(
                f'No name available for layer scope because the layer "{self._name}" has not been '
                "used yet. The scope name  is determined the first time the layer instance is "
                "called. You must therefore call the layer before querying `scope_name`."
            )
        return self._scope.name

    @property
    def dtype(self):
        """Name of the variables' element type; `None` before the first call if it was not given."""
        return self._dtype

    @property
    def dynamic(self):
        """False: layers are nodes in a graph."""
        return False

    @property
    def graph(self):
        """`None`: a layer belongs to no graph before it is called."""

    @property
    def input_spec(self):
        """What the layer asks of its inputs: an `InputSpec`, a list of them or `None`."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value):
        self._input_spec = value

    @property
    def activity_regularizer(self):
        """Function from the output to a loss, or `None`."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value):
        self._activity_regularizer = lookups.regularizer(value)

    # -- for subclasses

    def build(self, input_shape):
        """Makes the variables.

        Args:
          input_shape: a `TensorShape`, or a structure of them.
        """
        self.built = True

    def call(self, inputs, **kwargs):
        """Makes the nodes of the layer."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Returns the shape of what `call` gives for inputs of a shape.

        Raises:
          NotImplementedError: if the layer does not say.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say the shape of its output")

    def compute_mask(self, inputs, mask=None):
        """Returns the mask of the output.

        Raises:
          TypeError: if the layer is given a mask and does not support them.
        """
        if self.supports_masking:
            return mask
        if any(part is not None for part in nest.flatten(mask)):
            raise TypeError(
                f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}"
            )
        return None

    # -- scopes

    def _set_scope(self, scope=None):
        if self._scope is not None:
            return
        if self._reuse:
            opened = variable_scope(self._base_name if scope is None else scope)
        else:
            opened = variable_scope(scope, default_name=self._base_name)
        with opened as captured:
            self._scope = captured

    def _name_scope(self):
        return self.name if self._keras_style else self._current_scope.original_name_scope

    @contextmanager
    def _in_scope(self, reuse):
        if self._keras_style:
            yield VariableScope(False)
            return
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            yield scope

    # -- calling

    def __call__(self, inputs, *args, **kwargs):
        """Makes the variables, at the first call, and the nodes of the layer.

        Args:
          inputs: a tensor, or a structure of tensors; NumPy arrays and numbers are converted.
          *args: further arguments of `call`.
          **kwargs: the same; `scope` is the variable scope to open.

        Returns:
          What `call` gives.

        Raises:
          ValueError: if the inputs are not as the layer's `input_spec` says.
        """
        if self._keras_style:
            refuse(scope=kwargs.pop("scope", None))
            return self._run(inputs, args, kwargs)
        self._set_scope(kwargs.pop("scope", None))
        with self._in_scope(True if self.built else self._reuse) as scope:
            if "scope" in _parameter_names(self.call):
                kwargs["scope"] = scope
            outputs = self._run(inputs, args, kwargs)
        _add_new(self.updates, GraphKeys.UPDATE_OPS)
        return outputs

    def _run(self, inputs, args, kwargs):
        inputs = nest.map_structure(_as_tensor, inputs)
        with name_scope(self._name_scope()):
            self._build_for(inputs)
            outputs = self._call_with(inputs, args, kwargs)
            self._regularize_activity(inputs, outputs)
        return outputs

    apply = __call__

    def _call_with(self, inputs, args, kwargs):
        before, self._call_inputs = self._call_inputs, inputs
        try:
            return self.call(inputs, *args, **kwargs)
        finally:
            self._call_inputs = before

    def _build_for(self, inputs):
        tensors = nest.flatten(inputs)
        if self.built:
            check_inputs(self.input_spec, inputs, self.name)
            return
        check_inputs(self.input_spec, inputs, self.name)
        if self._dtype is None and tensors and hasattr(tensors[0], "dtype"):
            self._dtype = tensors[0].dtype.base_dtype.name
        shapes = None
        if all(hasattr(tensor, "shape") for tensor in tensors):
            shapes = nest.map_structure(lambda tensor: tensor.shape, inputs)
        self.build(shapes)
        # A subclass that overrides `build` may forget to say so.
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _regularize_activity(self, inputs, outputs):
        if self._activity_regularizer is None:
            return
        with name_scope("ActivityRegularizer"):
            for output in nest.flatten(outputs):
                loss = self._activity_regularizer(output)
                batch = math.cast(array.shape(output)[0], loss.dtype)
                self.add_loss(loss / batch, inputs=inputs)

    # -- variables and losses

    def add_weight(
        self, name, shape, dtype=None, initializer=None, regularizer=None, trainable=None,
        constraint=None, use_resource=None, synchronization=VariableSynchronization.AUTO,
        aggregation=VariableAggregation.NONE, partitioner=None, **kwargs,
    ):  # fmt: skip
        """Makes a variable of the layer, or finds the one that the scope has already.

        Args:
          name: name within the layer's scope.
          shape: its shape.
          dtype: its element type; the layer's by default.
          initializer: its initializer; by default the scope's, or Glorot's uniform one.
          regularizer: function from the variable to a loss.
          trainable: whether optimizers see it; yes unless it is synchronised on reading.
          constraint: function that projects the value after each update.
          use_resource: whether it is a `ResourceVariable`.
          synchronization: a `VariableSynchronization`.
          aggregation: a `VariableAggregation`.
          partitioner: function that cuts it into pieces.
          **kwargs: `getter`, in place of `tf.get_variable`; `collections`, that it joins.

        Returns:
          The variable, or the `PartitionedVariable`.

        Raises:
          ValueError: if it is to be trainable although synchronised on reading, or has no obvious
            initializer.
          TypeError: for another keyword.
        """
        getter = kwargs.pop("getter", None) or get_variable
        options = {k: kwargs.pop(k) for k in ("collections", "caching_device") if k in kwargs}
        if kwargs and list(kwargs) != ["experimental_autocast"]:
            raise TypeError("Unknown keyword argument:", next(iter(kwargs)))
        trainable = _checked_trainable(trainable, synchronization)
        dtype = as_dtype(dtype or self.dtype or Float)
        existing = {id(v) for v in global_variables()}
        if self._keras_style:
            inside, getter = nullcontext(), partial(made_variable, create=create)
        else:
            self._set_scope(None)
            inside = None
        seen = trainable and self.trainable
        with (
            self._in_scope(self.built or self._reuse) as scope,
            inside or name_scope(self._name_scope()),
        ):
            variable = getter(
                name, shape, dtype=dtype,
                initializer=_initializer(lookups.initializer(initializer) or scope.initializer,
                                         dtype, name),
                trainable=seen, constraint=lookups.constraint(constraint), partitioner=partitioner,
                use_resource=use_resource or self._use_resource_variables or scope.use_resource,
                synchronization=synchronization, aggregation=aggregation, **options,
            )  # fmt: skip
            regularizer = lookups.regularizer(regularizer)
            if regularizer and not any(id(v) in existing for v in _pieces(variable)):
                self._regularize_weight(name, variable, regularizer)
        # A custom getter may have made it not trainable.
        if seen and any(variable is v for v in trainable_variables()):
            self._trainable_weights.append(variable)
        else:
            self._non_trainable_weights.append(variable)
        return variable

    add_variable = add_weight

    def _regularize_weight(self, name, variable, regularizer):
        def loss_of(piece):
            with name_scope(f"{name}/Regularizer"):
                return regularizer(piece)

        for piece in _pieces(variable):
            self.add_loss(partial(loss_of, piece))

    def add_loss(self, losses, inputs=None):
        """Adds losses, which join `GraphKeys.REGULARIZATION_LOSSES`.

        Args:
          losses: a tensor, a function without arguments that makes one, or a list of them.
          inputs: the tensors that they depend on; `None` if they depend on variables only.
        """
        _add_new(self._add_losses(losses, inputs), GraphKeys.REGULARIZATION_LOSSES)

    def get_weights(self):
        """Returns the values of the variables, as NumPy arrays, in the default session.

        Raises:
          RuntimeError: if there is no default session.
        """
        return self._session().run(self.weights)

    def set_weights(self, weights):
        """Assigns values to the variables in the default session.

        Raises:
          ValueError: if their number or shapes differ from the variables'.
          RuntimeError: if there is no default session.
        """
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self.name}" with a weight list of '
                f"length {len(weights)}, but the layer was expecting {len(variables)} weights."
            )
        for variable, value in zip(variables, weights):
            if variable.shape.as_list() != list(np.shape(value)):
                raise ValueError(
                    f"Layer weight shape {variable.shape} not compatible with provided weight "
                    f"shape {np.shape(value)}"
                )
            variable.load(value, self._session())

    def _session(self):
        session = get_default_session()
        if session is None:
            raise RuntimeError(
                f"Layer {self.name} needs a default session: enter `with tf.Session():` first."
            )
        return session

    # -- configuration

    def get_config(self):
        """Returns the arguments to make the layer anew with."""
        return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """Makes a layer of the arguments that `get_config` gave."""
        return cls(**config)

    def __deepcopy__(self, memo):
        made = memo[id(self)] = self.__class__.__new__(self.__class__)
        for key, value in self.__dict__.items():
            shared = key in ("_scope", "_current_scope")
            object.__setattr__(made, key, value if shared else copy.deepcopy(value, memo))
        return made

    # -- what only connected layers have

    @property
    def inbound_nodes(self):
        """Empty: layers do not record what they were applied to."""
        return []

    @property
    def outbound_nodes(self):
        """Empty: layers do not record what their output is used for."""
        return []


def _parameter_names(function):
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    return () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _as_tensor(value):
    return convert_to_tensor(value) if isinstance(value, (np.ndarray, float, int)) else value


def _pieces(variable):
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]


def _checked_trainable(trainable, synchronization):
    if synchronization == VariableSynchronization.ON_READ:
        if trainable:
            raise ValueError(
                "Synchronization value can be set to VariableSynchronization.ON_READ only for "
                "non-trainable variables. You have specified trainable=True and "
                "synchronization=VariableSynchronization.ON_READ."
            )
        return False
    return True if trainable is None else trainable


def _initializer(given, dtype, name):
    if given is not None:
        return given
    if dtype.is_floating:
        return GlorotUniform()
    if dtype.is_integer or dtype.is_unsigned or dtype.is_bool:
        return Zeros()
    raise ValueError(f"An initializer for variable {name} of type {dtype.base_dtype!r} is required")


def _add_new(elements, collection):
    held = get_default_graph().get_collection_ref(collection)
    known = {id(item) for item in held}
    held.extend(item for item in elements if id(item) not in known)


def static_shape(shape):
    """Returns a `TensorShape` of what a subclass's `build` may be given."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)
