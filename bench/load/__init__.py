"""Load: requests, how they are sent, and one measurement of them."""
