"""Ops that read and write files: checkpoints and summaries."""
