"""`python -m scripts.feedproof`: what the event log promises, by killing and replaying."""
