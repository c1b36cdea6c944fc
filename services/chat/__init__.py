"""Conversations that lead a citizen, in three ways of writing, through filing and following.

Owns the `chat` schema of helpdesk_db: conversations, immutable messages, confirmed filings, and
which case belongs to which conversation. Says `chat.*`; hears `grievance.*`, `file.rejected`,
`user.merged` and `.erased`. Knows cases, files and people by id only.
"""
