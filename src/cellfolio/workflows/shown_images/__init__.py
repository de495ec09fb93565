"""Images as viewers want them: found by name, well and site, with planes, labels and objects."""
