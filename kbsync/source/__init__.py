"""The folder: what stands in it, what of it is uploaded, and its bytes."""
