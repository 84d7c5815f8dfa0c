"""Example data of `make demo`: an authority, its APIs, three organisations that call them, and a month of traffic.

Made by the acts that people and commands use, and by requests to the authorization server, with a simulated clock.
"""
