"""Measurements of matrl; no part of the library, nor of its tests."""
