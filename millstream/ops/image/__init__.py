"""Ops on images: resizing, cropping, colours."""
