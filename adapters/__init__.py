"""Adapters that carry activity across the interface between scales; import them from here, or write your own."""
