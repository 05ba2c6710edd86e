"""The daemon's HTTP face on loopback: routes only, everything behind a port."""
