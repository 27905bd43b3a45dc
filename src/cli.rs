//! The command line: what can be asked of the program, and the help it gives.
