"""A project and node types in, candidates and rejections out."""
