"""`python -m isocost`: the command line."""

from isocost.cli.app import main

main()
