"""What to say where a tolerance is out of reach."""
