"""Read models: what pages, API and metrics show, gathered from several slices in one read-only transaction."""
