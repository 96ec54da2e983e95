"""`python -m services.cli`, which is how `gengfu up` starts its parts."""

from services.cli import main

main()
