"""What may be done in a state: catalogue entries, rules and variations of coefficients."""
