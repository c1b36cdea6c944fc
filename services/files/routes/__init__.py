"""The doors of the files service."""
