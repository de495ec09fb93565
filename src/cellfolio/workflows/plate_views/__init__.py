"""What the portal shows of plates: which there are, their wells, values, profiles, pictures."""
