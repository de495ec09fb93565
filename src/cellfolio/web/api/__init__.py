"""What programs can ask the portal, a module for each subject."""
