"""Secrets at rest: the keyring, sealing, and blind indexes."""
