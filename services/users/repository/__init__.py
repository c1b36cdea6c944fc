"""Questions to the users schema, a file for each family of tables."""
