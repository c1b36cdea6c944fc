"""Rules and use cases of files."""
