"""Authlib on Flask as a peer: clients in memory, tokens and spent assertions in PostgreSQL by plain SQL and a pool.

Environment: ACTORS (a JSON file, see bench/place.py), PGHOST, PGDATABASE, PGUSER. `python authlib_site.py` makes the
tables; `authlib_site:application` is served.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask
from psycopg_pool import ConnectionPool

ACTORS = json.loads(Path(os.environ["ACTORS"]).read_text())

TABLES = """
CREATE TABLE token (
    access_token text PRIMARY KEY, client_id text NOT NULL, scope text NOT NULL, issued_at float8 NOT NULL,
    expires_in int NOT NULL
);
CREATE TABLE used_assertion (client_id text, jti text, expires_at float8 NOT NULL, PRIMARY KEY (client_id, jti))
"""

pool = ConnectionPool("", min_size=8, max_size=8, open=False, kwargs={"autocommit": True})


@dataclass(frozen=True)
class Client(ClientMixin):
    client_id: str
    client_secret: str = ""
    jwk: dict | None = None
    alg: str = ""

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return ACTORS["scope"]

    def check_client_secret(self, client_secret):
        return bool(client_secret) and self.client_secret == client_secret

    def check_endpoint_auth_method(self, method, endpoint):
        return True

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


@dataclass(frozen=True)
class Token(TokenMixin):
    access_token: str
    client_id: str
    scope: str
    issued_at: float
    expires_in: int

    def is_expired(self):
        return self.issued_at + self.expires_in < time.time()

    def is_revoked(self):
        return False


CLIENTS = {entry["client_id"]: Client(**entry) for entry in ACTORS["clients"].values()}


def save_token(token, request):
    with pool.connection() as connection:
        connection.execute(
            "INSERT INTO token VALUES (%s, %s, %s, %s, %s)",
            (token["access_token"], request.client.client_id, token["scope"], time.time(), token["expires_in"]),
        )


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "private_key_jwt"]  # noqa: RUF012


class Assertion(JWTBearerClientAssertion):
    CLIENT_AUTH_METHOD = "private_key_jwt"

    def get_audiences(self):
        return [ACTORS["issuer"]]

    def resolve_client_public_key(self, client):
        return client.jwk

    def validate_jti(self, claims, jti):
        with pool.connection() as connection:
            cursor = connection.execute(
                "INSERT INTO used_assertion VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (claims["sub"], jti, claims["exp"]),
            )
            return cursor.rowcount == 1


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = ["client_secret_basic"]  # noqa: RUF012

    def check_permission(self, token, client, request):
        return True

    def query_token(self, token_string, token_type_hint):
        with pool.connection() as connection:
            row = connection.execute("SELECT * FROM token WHERE access_token = %s", (token_string,)).fetchone()
        return Token(*row) if row else None

    def introspect_token(self, token):
        return {
            "active": True,
            "client_id": token.client_id,
            "scope": token.scope,
            "token_type": "Bearer",
            "iat": int(token.issued_at),
            "exp": int(token.issued_at + token.expires_in),
            "iss": ACTORS["issuer"],
        }


application = Flask(__name__)
server = AuthorizationServer(application, query_client=CLIENTS.get, save_token=save_token)
server.register_grant(ClientCredentials)
server.register_endpoint(Introspection)
server.register_client_auth_method("private_key_jwt", Assertion())


@application.post("/token")
def token():
    pool.open()  # in the worker, after any fork; only the first time does anything
    return server.create_token_response()


@application.post("/introspect")
def introspect():
    pool.open()
    return server.create_endpoint_response("introspection")


if __name__ == "__main__":
    with pool:
        with pool.connection() as connection:
            connection.execute(TABLES)
