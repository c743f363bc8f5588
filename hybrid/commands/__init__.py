"""The commands of the command line, a room each: their arguments, and what they print and leave behind."""
