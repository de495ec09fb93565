"""Single cells in the shapes that measuring programs write them: one row for each cell."""
