"""What the page of a file shows, a module for each kind of file."""
