"""`python -m bench`: what this machine does, as figures and as ratios; nothing is gated on them."""
