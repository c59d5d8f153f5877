"""Optimizers outside of the graph: SciPy's, L-BFGS among them."""

import numpy as np

from millstream.autodiff.gradients import gradients
from millstream.base.export import export
from millstream.base.logging import info
from millstream.ops import array
from millstream.state.listing import trainable_variables


@export("contrib.opt.ExternalOptimizerInterface")
class ExternalOptimizerInterface:
    """Is the base of optimizers that see loss and gradient as functions of one vector.

    Args:
      loss: a scalar.
      var_list: what to train; by default all trainable variables.
      equalities: tensors that shall be zero.
      inequalities: tensors that shall not be negative.
      var_to_bounds: lower and upper bounds of variables.
      **optimizer_kwargs: arguments of the optimizer.
    """

    def __init__(
        self, loss, var_list=None, equalities=None, inequalities=None, var_to_bounds=None,
        **optimizer_kwargs,
    ) -> None:  # fmt: skip
        self._loss = loss
        self._vars = trainable_variables() if var_list is None else list(var_list)
        self._equalities, self._inequalities = list(equalities or ()), list(inequalities or ())
        self.optimizer_kwargs = optimizer_kwargs
        self._packed_bounds = self._bounds(var_to_bounds)
        self._holders = [array.placeholder(v.dtype.base_dtype) for v in self._vars]
        self._updates = [
            v.assign(array.reshape(holder, v.shape.as_list()))
            for v, holder in zip(self._vars, self._holders)
        ]
        self._packed = self._pack(self._vars)
        self._loss_grads = self._packed_gradients(loss)
        self._equality_grads = [self._packed_gradients(c) for c in self._equalities]
        self._inequality_grads = [self._packed_gradients(c) for c in self._inequalities]
        ends = np.cumsum([int(np.prod(v.shape.as_list())) for v in self._vars])
        self._slices = [slice(a, b) for a, b in zip([0, *ends[:-1]], ends)]

    def _bounds(self, var_to_bounds):
        if var_to_bounds is None:
            return None
        by_id = {id(var): bounds for var, bounds in var_to_bounds.items()}
        packed = []
        for var in self._vars:
            shape = var.shape.as_list()
            low, high = by_id.get(id(var), (-np.inf, np.inf))
            lows, highs = (np.broadcast_to(bound, shape).ravel() for bound in (low, high))
            packed += list(zip(lows, highs))
        return packed

    @staticmethod
    def _pack(tensors):
        flat = [array.reshape(tensor, [-1]) for tensor in tensors]
        return flat[0] if len(flat) == 1 else array.concat(flat, 0)

    def _packed_gradients(self, value):
        found = gradients(value, self._vars)
        return self._pack(
            [array.zeros_like(v) if g is None else g for g, v in zip(found, self._vars)]
        )

    def minimize(
        self, session=None, feed_dict=None, fetches=None, step_callback=None, loss_callback=None,
        **run_kwargs,
    ):  # fmt: skip
        """Minimises the loss and assigns the best values to the variables.

        Args:
          session: the session.
          feed_dict: what to feed each time.
          fetches: what to fetch beside the loss, for `loss_callback`.
          step_callback: function of the vector, called after each step.
          loss_callback: function of the fetches, called after each look at the loss.
          **run_kwargs: further arguments of `Session.run`.
        """
        feed_dict, fetches = dict(feed_dict or {}), list(fetches or ())
        on_loss = loss_callback or (lambda *_: None)

        def evaluator(tensors, extra=(), after=None):
            def evaluate(x):
                feeds = dict(feed_dict)
                feeds.update(
                    (var, x[part].reshape(var.shape.as_list()))
                    for var, part in zip(self._vars, self._slices)
                )
                values = session.run([*tensors, *extra], feed_dict=feeds, **run_kwargs)
                if after is not None:
                    after(*values[len(tensors) :])
                return values[: len(tensors)]

            return evaluate

        def both(values, grads):
            pairs = [(evaluator([v]), evaluator([g])) for v, g in zip(values, grads)]
            return [p[0] for p in pairs], [p[1] for p in pairs]

        equality_funcs, equality_grads = both(self._equalities, self._equality_grads)
        inequality_funcs, inequality_grads = both(self._inequalities, self._inequality_grads)
        best = self._minimize(
            initial_val=session.run(self._packed, feed_dict=feed_dict),
            loss_grad_func=evaluator([self._loss, self._loss_grads], fetches, on_loss),
            equality_funcs=equality_funcs, equality_grad_funcs=equality_grads,
            inequality_funcs=inequality_funcs, inequality_grad_funcs=inequality_grads,
            packed_bounds=self._packed_bounds, step_callback=step_callback,
            optimizer_kwargs=self.optimizer_kwargs,
        )  # fmt: skip
        session.run(
            self._updates,
            feed_dict={h: best[part] for h, part in zip(self._holders, self._slices)},
            **run_kwargs,
        )

    def _minimize(
        self, initial_val, loss_grad_func, equality_funcs, equality_grad_funcs, inequality_funcs,
        inequality_grad_funcs, packed_bounds, step_callback, optimizer_kwargs,
    ):  # fmt: skip
        """Returns the best vector; subclasses say how."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to minimise")


@export("contrib.opt.ScipyOptimizerInterface")
class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """Minimises by `scipy.optimize.minimize`; by default L-BFGS-B, with constraints SLSQP.

    `method` and `options` are passed on.

    Example:
      >>> x = tf.Variable([7.0, 7.0])
      >>> optimizer = tf.contrib.opt.ScipyOptimizerInterface(tf.reduce_sum(tf.square(x)))
      >>> with tf.Session() as session:
      ...     session.run(tf.global_variables_initializer())
      ...     optimizer.minimize(session)
      ...     value = session.run(x)
      >>> bool(abs(value).max() < 1e-4)
      True
    """

    _DEFAULT_METHOD = "L-BFGS-B"

    def _minimize(
        self, initial_val, loss_grad_func, equality_funcs, equality_grad_funcs, inequality_funcs,
        inequality_grad_funcs, packed_bounds, step_callback, optimizer_kwargs,
    ):  # fmt: skip
        from scipy.optimize import minimize

        def loss_and_gradient(x):
            loss, gradient = loss_grad_func(x)
            return float(loss), np.asarray(gradient, np.float64)

        constraints = [
            {"type": kind, "fun": self._scalar(value), "jac": self._vector(gradient)}
            for kind, values, grads in (
                ("eq", equality_funcs, equality_grad_funcs),
                ("ineq", inequality_funcs, inequality_grad_funcs),
            )
            for value, gradient in zip(values, grads)
        ]
        given = dict(optimizer_kwargs)
        for reserved in ("fun", "x0", "jac", "bounds", "constraints", "callback"):
            if reserved in given:
                raise ValueError(f"Optimizer keyword arg {reserved!r} is set automatically and "
                                 "cannot be injected manually")  # fmt: skip
        method = given.pop("method", "SLSQP" if constraints else self._DEFAULT_METHOD)
        result = minimize(
            loss_and_gradient, np.asarray(initial_val, np.float64), jac=True, method=method,
            callback=step_callback,
            bounds=packed_bounds, constraints=constraints, **given,
        )  # fmt: skip
        info(
            "Optimization terminated with:\n  Message: %s\n  Objective function value: %f",
            result.message, result.fun,
        )  # fmt: skip
        return result.x

    @staticmethod
    def _scalar(evaluate):
        return lambda x: float(evaluate(x)[0])

    @staticmethod
    def _vector(evaluate):
        return lambda x: np.asarray(evaluate(x)[0], np.float64)
