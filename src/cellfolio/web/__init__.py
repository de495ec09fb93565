"""The portal: packages, images, tables, plates and profiles in a browser, on this machine."""
