"""The worst case in exact arithmetic: ranges of scalar maps, enclosed by intervals and balls."""
