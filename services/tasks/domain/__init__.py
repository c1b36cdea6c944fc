"""Rules and use cases of tasks."""
