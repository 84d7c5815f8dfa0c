from clients.models.accounts import ContactAccount
from clients.models.catalogue import Api, ApiOwner, Scope
from clients.models.client import Client, ClientContact, ClientScope
from clients.models.credentials import Key, Secret
from clients.models.federation import Issuer, JwksUri, Trust
from clients.models.kept_answers import KeptAnswer
from clients.models.mail import Mail
from clients.models.networks import ClientNetwork, UserNetwork
from clients.models.people import CalendarFeed, MailedCode, ManagementLink, User
from clients.models.policy import PolicyBound
from clients.models.proposal import Proposal
from clients.models.registration import Registration, RegistrationMessage, RegistrationScope
from clients.models.sessions import Session
from clients.models.team import Delivery, Notice, Recertification, ReplyText, SavedView, Webhook

__all__ = [
    "Api",
    "ApiOwner",
    "CalendarFeed",
    "Client",
    "ClientContact",
    "ClientNetwork",
    "ClientScope",
    "ContactAccount",
    "Delivery",
    "Issuer",
    "JwksUri",
    "KeptAnswer",
    "Key",
    "Mail",
    "MailedCode",
    "ManagementLink",
    "Notice",
    "PolicyBound",
    "Proposal",
    "Recertification",
    "Registration",
    "RegistrationMessage",
    "RegistrationScope",
    "ReplyText",
    "SavedView",
    "Scope",
    "Secret",
    "Session",
    "Trust",
    "User",
    "UserNetwork",
    "Webhook",
]
