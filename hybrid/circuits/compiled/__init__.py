"""The compiled engine: Brian2's C++ standalone code as a library that is advanced window by window."""
