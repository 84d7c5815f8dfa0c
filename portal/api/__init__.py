"""The management API: the acts of the pages as JSON, under API_PATH.

An operation looks up, calls one act, and answers. Refusals become problem details (problems.py); pages and operations
never import each other.
"""
