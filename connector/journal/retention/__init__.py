"""How long the journal keeps what it holds, what that costs on disk, and the small steps that let go of it."""
