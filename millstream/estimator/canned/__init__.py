"""Estimators whose model is ready made: linear, deep, both, and the mean of the labels."""
