"""Floor 9: people at a terminal."""
