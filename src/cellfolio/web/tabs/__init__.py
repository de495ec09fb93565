"""What the page of a package, folder or file has besides files and previews, one module each."""
