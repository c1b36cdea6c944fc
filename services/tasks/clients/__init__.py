"""What tasks asks of others: grievance for texts, files for bytes, child processes for work."""
