"""Schedules as an environment of the search."""
