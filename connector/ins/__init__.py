"""Floor 2: the national patient identity (matricule INS, traits, qualification). Pure."""
