"""What the search finds, how fast, and what each of its parts is worth."""
