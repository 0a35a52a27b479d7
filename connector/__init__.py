"""Open connector (PFI) between a French hospital and the DMP."""
