"""Floor 2: what a message must satisfy, as numbered rules over a neutral model; each side reads on its own."""
