"""Other packages, each in its own environment below the cache folder, measured beside ours."""
