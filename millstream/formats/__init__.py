"""Bytes on disk: messages, records, tables, checkpoints, event files and file systems."""
