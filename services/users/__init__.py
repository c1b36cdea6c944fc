"""People and keys: who may sign in, who complained, and which programs may call.

Owns the `users` schema of grievances_db, and is the one vault of names, phones and addresses. Says
`user.*` and `api_key.revoked`; hears `grievance.submitted`, and then takes the contact over, and
`audit.recorded`, which it chains.
"""
