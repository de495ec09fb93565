"""Pictures of images: contrast, projections, composites, outlines, montages, plates."""
