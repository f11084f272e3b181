"""What is asked: function, spectrum, tolerance, and the domains of plans for it."""
