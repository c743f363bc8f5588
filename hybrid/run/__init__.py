"""A run: what is advanced when and where, window by window, and how far it is."""
