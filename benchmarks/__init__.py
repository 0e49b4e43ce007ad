"""Programs that measure Isocost; each prints one JSON object. See README.md beside this file."""
