"""HTTP: one file per resource; each route is a signature and a door to one transaction."""
