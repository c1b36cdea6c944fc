"""HTTP: the app factory, the guard at each door, answers, refusals, and calls to peers."""
