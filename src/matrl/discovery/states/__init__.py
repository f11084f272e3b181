"""What a state of the search is, what became of steps taken, and what they cost."""
