"""From one store to another, whichever databases: everything carried over, then compared row by row."""
