"""Array kernels a plan is run with."""
