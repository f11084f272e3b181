"""The phases of a discovery, in order, and how plans are made of what they find."""
