"""`python -m nxscribe`: the command line."""

from nxscribe.cli import main

main()
