"""The graph: nodes, tensors, op definitions, conversion and static inference. Imports only `base`
and `formats`.

`apply` is imported here because it gives `OpDef` its call, whatever part of the layer is used
first.
"""

from millstream.ir import apply as _apply  # pyright: ignore[reportUnusedImport]
from millstream.ir import function_def as _function_def  # pyright: ignore[reportUnusedImport]
