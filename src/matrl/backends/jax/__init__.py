"""Kernels on JAX arrays: pure functions, to be traced, compiled and batched."""
