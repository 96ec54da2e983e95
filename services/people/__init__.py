"""Who may do what: accounts, roles, sessions, tokens for programs, and the lockout against guessing."""
