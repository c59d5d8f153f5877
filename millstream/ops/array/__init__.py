"""Ops that make, inspect and rearrange arrays."""
