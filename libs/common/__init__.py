"""Ground every service stands on. Knows no business noun except in `contracts`."""
