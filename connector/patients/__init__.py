"""Floor 4: what the hospital said of its patients and stays."""
