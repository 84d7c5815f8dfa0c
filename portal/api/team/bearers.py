"""The scopes of the Security team's programs, each as the authentication of an operation."""

from __future__ import annotations

from clients import built_in_scopes
from portal.api.bearer import ScopeBearer


class ClientsRead(ScopeBearer):
    scope = built_in_scopes.CLIENTS_READ


class ClientsWrite(ScopeBearer):
    scope = built_in_scopes.CLIENTS_WRITE


class RequestsRead(ScopeBearer):
    scope = built_in_scopes.REQUESTS_READ


class RequestsWrite(ScopeBearer):
    scope = built_in_scopes.REQUESTS_WRITE


class CatalogueRead(ScopeBearer):
    scope = built_in_scopes.CATALOGUE_READ


class CatalogueWrite(ScopeBearer):
    scope = built_in_scopes.CATALOGUE_WRITE


class ChangesRead(ScopeBearer):
    scope = built_in_scopes.CHANGES_READ
