"""Pages of the portal, a module for each kind."""
