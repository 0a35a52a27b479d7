"""Floor 2: keys, SAML assertions (VIHF), XML signatures, professional sessions. Pure."""
