"""Ops that take records apart: examples, CSV, JSON, raw bytes, serialised tensors."""
