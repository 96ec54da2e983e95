"""What the site files declare, as rows: names that boards and reports show for the ids in records."""
