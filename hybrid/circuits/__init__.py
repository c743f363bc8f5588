"""The detailed scale: spiking microcircuits in Brian2, advanced window by window."""
