"""How well we rank and promise beside others, on the very same rows and columns: read sets, ours, the rivals, then paired."""
