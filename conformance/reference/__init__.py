"""The two honest clients: they pass every MUST and SHOULD, so what they fail is the kit's fault."""
