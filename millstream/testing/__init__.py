"""`tf.test`: a `TestCase` for programs with graphs and sessions."""
