"""Floor 3: CDA R2 documents, as HL7 France and the CI-SIS wrote them."""
