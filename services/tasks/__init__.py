"""Tasks: work that takes time, done once, by workers that may die.

Owns the `tasks` schema of helpdesk_db; its rows are the truth, a queue only says that one is
ready. Says `task.*`; hears `grievance.submitted`, `file.received`, `user.linked`,
`.merged` and `.erased`.
"""
