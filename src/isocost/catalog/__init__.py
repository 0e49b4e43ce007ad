"""What can be rented and at which rate: shipped tables and the one loader of package data."""
