"""Floor 4: a CDA as people read it: HTML and PDF."""
