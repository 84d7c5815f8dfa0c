"""What `make demo` shows: a made-up authority, its APIs, three organisations that call them, and a month of traffic.

Everything is made by the acts that people and commands use, and by requests to the authorization server; only the clock
is told another time.
"""
