"""What somebody saw before they acted, in short.

It travels in their form, and the act compares it, under its lock, with what is there then: nobody decides on what they
did not see, and of two people at once the second does not take back what the first did.
"""

import hashlib
import json


def fingerprint(*content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
