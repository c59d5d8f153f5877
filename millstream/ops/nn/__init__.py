"""Ops of neural networks: activations, softmax, convolution, pooling, normalisation, losses."""
