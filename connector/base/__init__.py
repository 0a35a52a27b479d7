"""Floor 0: what every room may use (findings, errors, namespaces, HL7 time, redaction, safe XML)."""
