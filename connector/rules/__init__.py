"""Floor 2: what a message must satisfy, as numbered rules over a neutral model; client and simulator read on their own."""
