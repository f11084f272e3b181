"""Backend on PyTorch tensors; ``import matrl`` does not import it, nor it PyTorch before use."""

from matrl.backends.torch.backend import TorchBackend

__all__ = ["TorchBackend"]
