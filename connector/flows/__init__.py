"""Floor 6: the durable steps of a job."""
