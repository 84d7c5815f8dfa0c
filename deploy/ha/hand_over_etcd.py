#!/usr/bin/python3
"""Patroni's callback on db1, db2 and db3: whoever becomes the primary hands etcd's leadership to another node.

If a host that leads both is lost, etcd first elects a leader, who lets every key live for its whole ttl again.
"""

import json
import sys
from contextlib import suppress
from urllib.request import Request, urlopen

ETCD = "http://localhost:2379/v3/"


def ask(address: str, **body: str) -> dict:
    request = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=2) as answer:
        return json.load(answer)


def hand_over() -> None:
    status = ask(f"{ETCD}maintenance/status")
    own = status["header"]["member_id"]
    if status["leader"] != own:
        return
    for member in ask(f"{ETCD}cluster/member/list")["members"]:
        with suppress(OSError, KeyError):
            if member["ID"] != own and ask(f"{member['clientURLs'][0]}/v3/maintenance/status"):
                ask(f"{ETCD}maintenance/transfer-leadership", targetID=member["ID"])
                return


if __name__ == "__main__" and sys.argv[2:3] in (["primary"], ["master"]):  # the action, the role, the cluster
    hand_over()
