"""Assets: files, such as vocabularies, that a model takes along.

The graph holds an asset's path in a constant string. Saving copies the file into the directory's
`assets/` under its base name and notes (tensor, file name) in the collection
`saved_model_assets`; loading feeds the path of the copy to that tensor while the model is
initialised.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from millstream.base import errors, logging
from millstream.base.compat import as_str
from millstream.formats import gfile, protos
from millstream.ir.graph import Graph
from millstream.ir.static_value import constant_value
from millstream.ir.tensor import Tensor
from millstream.saved_model import constants

_TYPE_URL = "type.googleapis.com/tensorflow.AssetFileDef"


def note_assets(graph: Graph, tensors: Iterable[Any], names: dict[str, str]) -> None:
    """Puts an `AssetFileDef` for each tensor into the graph's collection of assets.

    Args:
      graph: the graph to save.
      tensors: constant string scalars, the paths of the files.
      names: the name in `assets/` of every path so far; new ones are added. Files of one base
        name get a number.

    Raises:
      TypeError: if a tensor is no constant string.
    """
    for tensor in tensors:
        path = _path_in(tensor)
        if path not in names:
            names[path] = _free_name(os.path.basename(path), set(names.values()))
        asset = protos.AssetFileDef(filename=names[path])
        asset.tensor_info.name = tensor.name
        noted = protos.CollectionDef.AnyList().value.add(
            type_url=_TYPE_URL, value=asset.SerializeToString()
        )
        graph.add_to_collection(constants.ASSETS_KEY, noted)


def copy_assets(export_dir: str, names: dict[str, str]) -> None:
    """Copies the files into the directory of a SavedModel."""
    if not names:
        logging.info("No assets to write.")
        return
    directory = os.path.join(export_dir, constants.ASSETS_DIRECTORY)
    gfile.MakeDirs(directory)
    for path, name in names.items():
        gfile.Copy(path, os.path.join(directory, name), overwrite=True)
    logging.info("Assets written to: %s", directory)


def paths_by_tensor(
    export_dir: str, meta_graph_def: Any, import_scope: str | None
) -> dict[str, str]:
    """Returns the path of the file of every asset tensor of a loaded graph, by tensor name.

    Raises:
      InvalidArgumentError: if a file name leads out of the model's directory.
    """
    prefix = f"{import_scope}/" if import_scope else ""
    assets = list(meta_graph_def.asset_file_def)
    if constants.ASSETS_KEY in meta_graph_def.collection_def:
        noted = meta_graph_def.collection_def[constants.ASSETS_KEY].any_list.value
        assets = [protos.AssetFileDef.FromString(each.value) for each in noted]
    directory = os.path.join(export_dir, constants.ASSETS_DIRECTORY)
    return {
        prefix + asset.tensor_info.name: os.path.join(directory, _inside(asset.filename))
        for asset in assets
    }


def _path_in(tensor: Any) -> str:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"Asset path tensor must be a Tensor, not {tensor!r}.")
    value = constant_value(tensor) if tensor.op.type == "Const" else None
    if value is None:
        raise TypeError(f"Asset path tensor must be of type constant: '{tensor.name}'.")
    path = as_str(value.item() if hasattr(value, "item") else value)
    if not path:
        raise ValueError(f"Invalid asset filepath tensor '{tensor.name}': the path is empty.")
    return path


def _free_name(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _inside(name: str) -> str:
    if not name or os.path.isabs(name) or ".." in name.replace("\\", "/").split("/"):
        raise errors.InvalidArgumentError(
            None, None, f"The asset '{name}' lies outside of the model's assets directory."
        )
    return name
