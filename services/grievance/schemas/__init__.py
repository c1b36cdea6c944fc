"""What comes in and goes out over the wire, a file for each family of routes."""
