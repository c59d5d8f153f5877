"""Ops that look for trouble in numbers."""
