"""Random ops: the Philox generator, distributions on top of it, the ops that draw from them."""
