"""Arithmetic: elementwise ops, comparisons, reductions, products of matrices, segments."""
