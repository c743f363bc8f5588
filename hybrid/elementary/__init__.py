"""Elementary functions as plain arithmetic, the same for compiled masses, circuits and arrays."""
