"""One file per release that changed the journal's tables; never edited once released."""
