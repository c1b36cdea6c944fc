"""What files asks of others: cases of grievance, and the place where bytes lie."""
