"""How services reach each other's ears: one contract, two transports."""
