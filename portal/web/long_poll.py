"""Agreement between a page and its server on an answer that is to wait (portal/serving/long_polls.py)."""

MAY_WAIT = "keydesk.may_wait"  # of the WSGI environment: the server can hold the answer without a thread
WAIT_HEADER = "X-Keydesk-Wait"  # "17 25": until there is an entry after number 17, for at most 25 s; never sent on
