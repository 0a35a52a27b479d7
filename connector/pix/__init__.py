"""Floor 4: the hospital's identity server asked which INS goes with an IPP (PIX v2 and v3)."""
