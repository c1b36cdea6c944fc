"""What the gateway decides: paths, headers, access, keys. Plain functions on bytes and tables."""
