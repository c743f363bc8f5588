"""The neural-mass models, one a file."""
