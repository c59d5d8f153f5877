"""Variables: how they are made, shared by name, initialised, assigned and saved."""
