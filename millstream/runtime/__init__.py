"""Sessions: running plans, holding state."""
