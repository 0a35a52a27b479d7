"""Floor 1: code lists and OIDs, as versioned data."""
