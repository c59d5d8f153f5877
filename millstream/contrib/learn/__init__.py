"""`tf.contrib.learn`, TF.Learn: estimators with the interface of scikit-learn."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
