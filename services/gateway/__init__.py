"""The only door: who may call what, with which token, how much and how long; then it streams.

Owns no tables and says nothing. Hears the broadcast copy of `api_key.revoked`, so that a revoked
key opens nothing any more. Knows the other services by their names and addresses only.
"""
