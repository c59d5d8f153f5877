"""Message schemas, one module per theme, in the language that `protos.schema` reads."""
