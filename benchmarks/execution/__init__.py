"""How fast plans run: overhead, memory, predictions, and against the routes of other libraries."""
