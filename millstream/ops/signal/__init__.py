"""Ops on signals: Fourier and cosine transforms, frames, windows, spectra."""
