"""Moving what is stored from the embedded files to servers: copied in pieces, resumable, and proven equal."""
