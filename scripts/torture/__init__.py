"""`make torture`: filings under SIGKILL, counted afterwards with the total-queue method."""
