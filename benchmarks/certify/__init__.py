"""How far certificates are from what they bound."""
