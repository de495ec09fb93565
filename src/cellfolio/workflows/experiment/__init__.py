"""An experiment from its images to its package: what is next is decided, done and recorded."""
