"""The bottom layer: types, shapes, errors, origins, nests, logging and the public namespace."""
