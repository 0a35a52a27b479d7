"""What works the journal off: one embedded scheduler, or workers on several machines; the steps are the same."""
