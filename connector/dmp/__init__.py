"""Floor 5: what France adds to IHE (TD x.y)."""
