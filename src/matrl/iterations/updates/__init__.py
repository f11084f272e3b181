"""Updates, one file per family."""
