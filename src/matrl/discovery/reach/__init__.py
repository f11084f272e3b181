"""Where steps lead: many children of a state looked at together, on ranges and on samples."""
