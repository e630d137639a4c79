"""Speed, measured on this machine in one run against rivals: `make bench`. Never installed."""
