"""What is observed on held-out matrices, and what follows for others like them."""
