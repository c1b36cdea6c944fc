"""The doors of the chat service."""
