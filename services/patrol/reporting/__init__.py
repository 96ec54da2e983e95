"""Reports on rounds, gaps and guards, and their files."""
