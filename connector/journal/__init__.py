"""Floor 1: the message store and its engine: nothing lost, nothing twice."""
