"""What a conversation does: hear, lead, answer, keep, follow."""
