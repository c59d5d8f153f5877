"""Ops that order and check other nodes: groups, assertions, printing."""
