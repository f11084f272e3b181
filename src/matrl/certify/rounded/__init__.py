"""What rounding adds: bounds of first order, followed over pairs of eigenvalues."""
