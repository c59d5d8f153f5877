"""The optimizers of `tf.train`: slots, gradients and one `Apply…` node per variable and step."""
