"""Pure planning: what is known goes in, actions come out. No I/O, no clock, no logging."""
