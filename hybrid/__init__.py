"""Hybrid multi-scale brain simulation: spiking circuits inside a neural-mass connectome, over MPI."""
