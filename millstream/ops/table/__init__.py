"""Look-up tables: from strings or numbers to numbers or strings."""
