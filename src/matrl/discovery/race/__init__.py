"""Finalists run on real matrices."""
