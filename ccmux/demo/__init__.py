"""The demo agent: a terminal program that behaves as Claude Code does, for newcomers without an account."""
