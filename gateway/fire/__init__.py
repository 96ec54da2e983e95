"""The fire sources of a site at work: transmission devices over TCP, panels on lines, and what they are asked."""
