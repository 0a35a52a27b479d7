"""Floor 8: the connector as a service of its machine: roles, hot reload, signs of life."""
