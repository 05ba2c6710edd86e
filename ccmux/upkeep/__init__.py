"""What is done for a place beside running its daemon: it is deployed, verified, examined, mended, told of.

Each module asks drivers for facts and hands them to a judge in core; it judges nothing itself, parses no
command line and prints nothing. It knows no service: a daemon is asked on control.sock, as by everybody.
"""
