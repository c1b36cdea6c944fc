"""`make demo`: plays the main path against a running system and prints what came back."""
