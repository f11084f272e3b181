"""Readings: what a program means to eigenvalues, to rounding errors, to a price list, to arrays."""
