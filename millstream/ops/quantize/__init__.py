"""Ops on quantised numbers: real numbers in whole steps between two bounds."""
