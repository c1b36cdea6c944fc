"""What each service says: one module per service, one class per fact."""
