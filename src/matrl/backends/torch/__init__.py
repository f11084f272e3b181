"""Kernels on PyTorch tensors, on the CPU and on CUDA devices."""
