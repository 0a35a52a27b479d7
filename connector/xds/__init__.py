"""Floor 3: XDS.b as IHE wrote it (ITI-18, ITI-41, ITI-43), ebRIM in and out."""
