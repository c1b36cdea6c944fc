"""`make siege`: the gateway under faults, slow strangers, restarts and far too much load."""
