"""How the losses of the examples become one."""

from millstream.base.export import export


@export("losses.Reduction")
class Reduction:
    """Says how the losses of the elements are put together.

    `NONE` leaves them as they are, `SUM` adds them, `MEAN` divides the sum by that of the weights,
    `SUM_OVER_BATCH_SIZE` by the number of elements, `SUM_BY_NONZERO_WEIGHTS` by the number of
    elements whose weight is not zero.
    """

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls):
        """Returns all reductions."""
        return (
            cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )  # fmt: skip

    @classmethod
    def validate(cls, key):
        """Checks that `key` is a reduction.

        Raises:
          ValueError: if it is none.
        """
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")
