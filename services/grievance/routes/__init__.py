"""The doors of the grievance service."""
