"""`tf.estimator.ModeKeys`: what a model function is called for."""

from millstream.base.export import export


@export("estimator.ModeKeys")
class ModeKeys:
    """Names of the modes that a `model_fn` is called in."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"
