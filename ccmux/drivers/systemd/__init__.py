"""systemd: the user's service manager, the unit files it reads, and what it is told and gives back.

Each module is imported by itself: a command that looks at a unit does not wait for what the daemon needs.
"""
