"""Live status: what one Claude Code session does and how much, and what of it may leave this machine.

`metrics` counts what a transcript says, `claims` sees that no response counts twice, `prices` estimates;
`registration` reads what hooks say of a session, `standing` judges whether it is alive; `discretion` decides
which words leave, `payload` puts them into the relay's form; `user_hooks` writes our hooks into Claude's
settings and takes them out. Nothing here reads a file or a clock, or sends anything.
"""
