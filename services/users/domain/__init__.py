"""What the users service does, and the rules it does it by."""
