"""Floor 4: the agency's CDA kit (schemas, schematrons), loaded from where the hospital put it."""
