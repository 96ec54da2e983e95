"""What is said of taps, rounds and requirements. Pure."""
