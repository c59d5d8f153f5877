"""Ops on variables: handles, reads, assignments, scatters and the updates that optimizers make."""
