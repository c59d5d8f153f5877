"""How features are parsed: `make_parse_example_spec`."""

from millstream.base.export import export
from millstream.feature_column.columns import FeatureColumn, is_column


@export("feature_column.make_parse_example_spec")
def make_parse_example_spec(feature_columns):
    """Returns what `tf.parse_example` needs to know to parse the features of columns.

    Args:
      feature_columns: columns.

    Returns:
      A dict of `FixedLenFeature` and `VarLenFeature`, by key.

    Raises:
      ValueError: if one is no column, or two want the same feature parsed differently.
    """
    found = {}
    for column in feature_columns:
        if not is_column(column):
            raise ValueError(
                f"All feature_columns must be _FeatureColumn instances. Given: {column}"
            )
        spec = (
            column.parse_example_spec
            if isinstance(column, FeatureColumn)
            else column._parse_example_spec
        )
        for key, value in spec.items():
            if key in found and found[key] != value:
                raise ValueError(
                    f"feature_columns contain different parse_spec for key {key}. Given {value} "
                    f"and {found[key]}"
                )
            found[key] = value
    return found
