"""Questions to the grievance schema: which cases one sees, and what hangs on a case."""
