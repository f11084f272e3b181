"""What is checked of the kernels of a backend, by kind."""
