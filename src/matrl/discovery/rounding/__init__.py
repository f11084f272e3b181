"""Whether a schedule keeps its promise in floating point, looked at along its path."""
