"""The doors of the tasks service."""
