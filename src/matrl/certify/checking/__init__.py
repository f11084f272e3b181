"""What the checker of certificates is made of: nothing of matrl, only the standard library."""
