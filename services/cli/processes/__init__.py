"""The single processes: what `gengfu up` starts, and what a large installation runs one by one.

A module each: they start often, and none of them needs what the others do.
"""
