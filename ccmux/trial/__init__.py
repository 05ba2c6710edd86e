"""Tries a Claude Code in a whole house of its own: a temporary folder, a scripted model on loopback.

It touches nothing of yours. The tests of ccmux live in the same house; `ccmux upgrade-check` runs its cases.
"""
