"""Files: bytes in, judged at the door; bytes out, to those who may see them.

Owns the `files` schema of grievances_db and the upload folder. Says `file.*`; hears
`task.file_processed`, `grievance.submitted`, `user.merged` and `.erased`. Knows cases and people by
id only.
"""
