"""What is proved or guessed of the cost still to come."""
