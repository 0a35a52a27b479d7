"""Floor 6: the other side (identity server, DMP, Pro Santé Connect), a judge and not a mirror."""
