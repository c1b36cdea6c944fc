"""Grievances and their history: filing, classification, status, notes, tracking.

Owns the `grievance` schema of grievances_db. Says `grievance.*`; hears `task.classified`,
`user.linked`, `.merged`, `.erased` and `file.*`. Knows users, files, tasks and conversations by id
only.
"""
