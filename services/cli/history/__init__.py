"""A believable past, the same for the same seed: what reports are shown with, and counted against.

Each part first plans facts without a database, then writes them as rows. Nothing here is used on a real site.
"""
