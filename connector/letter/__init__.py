"""Floor 4: a discharge or admission letter as plain data, to CDA R2 and back."""
