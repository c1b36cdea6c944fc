"""What happens to grievances, and the rules it happens by."""
