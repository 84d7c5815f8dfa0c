import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Client",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("client_id", models.CharField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("organisation", models.CharField(max_length=150, verbose_name="organisation")),
                ("purpose", models.TextField(blank=True, max_length=4000, verbose_name="what it does")),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended"), ("closed", "Closed")],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("secret_allowed", models.BooleanField(default=True)),
                ("may_request_tokens", models.BooleanField(default=True)),
                ("issuer_audience_only", models.BooleanField(default=False)),
                (
                    "token_lifetime",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(60),
                            django.core.validators.MaxValueValidator(86400),
                        ],
                    ),
                ),
                (
                    "rate_limit",
                    models.PositiveIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "version",
                    models.BigIntegerField(
                        db_default=models.Func(
                            output_field=models.BigIntegerField(),
                            template="(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
                        ),
                        editable=False,
                    ),
                ),
                ("epoch", models.BigIntegerField(default=1, editable=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["name", "id"], name="clients_cli_name_d1e7b6_idx"),
                    models.Index(fields=["organisation"], name="clients_cli_organis_9c18ae_idx"),
                    models.Index(
                        django.db.models.functions.text.Lower("organisation"), name="client_organisation_lower"
                    ),
                    models.Index(fields=["status", "name"], name="clients_cli_status_44bcec_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("token_lifetime", None), ("token_lifetime__range", (60, 86400)), _connector="OR"
                        ),
                        name="token_lifetime_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rate_limit", None), ("rate_limit__gte", 1), _connector="OR"),
                        name="rate_limit_lets_one_in",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("client_id__regex", "^[A-Za-z0-9_-]+$")), name="client_id_is_plain"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                ("name", models.CharField(blank=True, max_length=150, verbose_name="name")),
                (
                    "role",
                    models.CharField(
                        choices=[("contact", "Contact"), ("security", "Security team"), ("auditor", "Auditor")],
                        default="contact",
                        max_length=10,
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=10)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("mailbox", models.CharField(editable=False, max_length=254, unique=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="user_email_is_lower_case",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Api",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("description", models.JSONField(blank=True, default=dict)),
                ("identifier", models.SlugField(max_length=60, unique=True, verbose_name="identifier")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("served_by", models.ManyToManyField(blank=True, related_name="serves", to="clients.client")),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="ManagementLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("digest", models.BinaryField(max_length=32, null=True, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("target", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None), ("used_at", None)),
                        fields=("user", "target"),
                        name="one_open_link_per_user_and_target",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Registration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("new", "New client"), ("change", "Change of a client")], default="new", max_length=6
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "Waiting for your code"),
                            ("submitted", "Waiting for review"),
                            ("changes_requested", "Changes requested"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="unconfirmed",
                        max_length=20,
                    ),
                ),
                ("client_name", models.CharField(max_length=120, verbose_name="name of the client")),
                ("organisation", models.CharField(max_length=150, verbose_name="organisation")),
                ("contact_name", models.CharField(max_length=150, verbose_name="your name")),
                ("contact_email", models.EmailField(max_length=254, verbose_name="your work e-mail address")),
                ("purpose", models.TextField(max_length=4000, verbose_name="what the client does")),
                ("language", models.CharField(blank=True, max_length=10)),
                ("created_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(null=True)),
                ("endorsed_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="registrations",
                        to="clients.client",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "endorsed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="registrations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("reason", models.TextField(blank=True, max_length=2000, verbose_name="why you need this")),
                ("signals", models.JSONField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["status", "submitted_at"], name="clients_reg_status_ab79c7_idx"),
                    models.Index(fields=["requester", "-created_at"], name="clients_reg_request_95b918_idx"),
                    models.Index(
                        condition=models.Q(("decided_at__isnull", False)),
                        fields=["-decided_at"],
                        name="registration_decided",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status", "unconfirmed"), ("requester__isnull", False), _connector="OR"),
                        name="a_confirmed_request_has_a_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "approved"), _negated=True), ("client__isnull", False), _connector="OR"
                        ),
                        name="an_approved_request_has_a_client",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            models.Q(("decided_by", models.F("requester")), _negated=True),
                            _connector="OR",
                        ),
                        name="nobody_decides_on_their_own_request",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "approved"), _negated=True),
                            ("endorsed_by", None),
                            models.Q(("endorsed_by", models.F("decided_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="two_approvals_are_by_two_people",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("submitted", "changes_requested"))),
                        fields=("client",),
                        name="one_open_request_per_client",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MailedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[("confirm_request", "confirm a request"), ("step_up", "confirm an act")], max_length=20
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="codes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "registration",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="codes",
                        to="clients.registration",
                    ),
                ),
                ("mailbox", models.CharField(editable=False, max_length=254)),
                ("owner_told_at", models.DateTimeField(null=True)),
                ("act", models.CharField(blank=True, max_length=40)),
                (
                    "client",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="codes",
                        to="clients.client",
                    ),
                ),
                ("session", models.UUIDField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["mailbox", "-created_at"], name="clients_mai_mailbox_b18da4_idx")],
            },
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("code", "One-time code"),
                            ("link", "Management link"),
                            ("client_ready", "Client ready"),
                            ("request_received", "Request received"),
                            ("changes_requested", "Changes requested"),
                            ("request_rejected", "Request rejected"),
                            ("change_approved", "Change approved"),
                            ("new_message", "New message about a request"),
                            ("client_changed", "Something changed at a client"),
                            ("bundled_changes", "Changes at a client, collected"),
                            ("leak_revoked", "A leaked secret, key or token was revoked"),
                            ("client_suspended", "Client suspended"),
                            ("client_reactivated", "Client reactivated"),
                            ("client_closed", "Client closed"),
                            ("private_key_received", "A private key was uploaded"),
                            ("scope_retired", "Scope retired"),
                            ("contact_added", "Added as a contact"),
                            ("contact_proposed", "A contact waits for an owner"),
                            ("credential_expires", "A key expires"),
                            ("passkey_changed", "A passkey was added or removed"),
                            ("codes_ended", "Codes ended for a day"),
                            ("new_sign_in", "Sign-in from a new device or network"),
                            ("staff_invitation", "Invitation of a staff member"),
                        ],
                        max_length=20,
                    ),
                ),
                ("to", models.EmailField(max_length=254)),
                ("language", models.CharField(blank=True, max_length=10)),
                ("facts", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting to be sent"),
                            ("sent", "Sent"),
                            ("failed", "Could not be delivered"),
                        ],
                        default="pending",
                        max_length=7,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "client",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to="clients.client",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "code",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="clients.mailedcode"),
                ),
                (
                    "link",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, to="clients.managementlink"
                    ),
                ),
                (
                    "registration",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to="clients.registration",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")), fields=["next_attempt_at"], name="mail_pending"
                    ),
                    models.Index(condition=models.Q(("state", "failed")), fields=["-created_at"], name="mail_failed"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegistrationMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=4000)),
                ("written_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "registration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="clients.registration"
                    ),
                ),
            ],
            options={
                "ordering": ["written_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Scope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("description", models.JSONField(blank=True, default=dict)),
                (
                    "name",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator("^[\\x21\\x23-\\x2B\\x2D-\\x5B\\x5D-\\x7E]+$")
                        ],
                        verbose_name="name",
                    ),
                ),
                ("sensitive", models.BooleanField(default=False, verbose_name="sensitive")),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "api",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="scopes", to="clients.api"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[\\x21\\x23-\\x2B\\x2D-\\x5B\\x5D-\\x7E]+$")),
                        name="scope_name_is_a_scope_token",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RegistrationScope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("granted", models.BooleanField(null=True)),
                (
                    "registration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="asked", to="clients.registration"
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clients.scope"
                    ),
                ),
            ],
            options={
                "ordering": ["scope__name"],
                "constraints": [
                    models.UniqueConstraint(fields=("registration", "scope"), name="one_row_per_request_and_scope")
                ],
            },
        ),
        migrations.CreateModel(
            name="ClientScope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_default", models.BooleanField(default=False)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="client_scopes", to="clients.client"
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="client_scopes", to="clients.scope"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("client", "scope"), name="one_row_per_client_and_scope")
                ],
            },
        ),
        migrations.CreateModel(
            name="Secret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("ciphertext", models.BinaryField(null=True)),
                ("sealed_with", models.CharField(blank=True, max_length=40)),
                ("hint", models.CharField(max_length=4)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.TextField()),
                ("ends_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="clients.client"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["client", "ends_at"], name="clients_sec_client__0d5ca2_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ends_at", None)), fields=("client",), name="one_current_secret_per_client"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClientContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("editor", "Manager")], default="owner", max_length=6
                    ),
                ),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contacts", to="clients.client"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_of",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("client", "user"), name="one_row_per_client_and_contact")
                ],
            },
        ),
        migrations.CreateModel(
            name="Key",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(choices=[("jwk", "JSON Web Key"), ("certificate", "Certificate")], max_length=11),
                ),
                ("kid", models.CharField(max_length=255)),
                ("jwk", models.JSONField()),
                ("thumbprint", models.CharField(max_length=43)),
                ("algorithms", models.JSONField()),
                ("description", models.CharField(max_length=60)),
                ("subject", models.TextField(blank=True)),
                ("issuer", models.TextField(blank=True)),
                ("not_before", models.DateTimeField(null=True)),
                ("not_after", models.DateTimeField(null=True)),
                ("added_at", models.DateTimeField()),
                ("added_by", models.TextField()),
                ("active_from", models.DateTimeField(null=True)),
                ("retires_at", models.DateTimeField(null=True)),
                ("warned_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="keys", to="clients.client"
                    ),
                ),
                ("proven_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["client", "retires_at"], name="clients_key_client__cf4a98_idx"),
                    models.Index(fields=["not_after"], name="clients_key_not_aft_73f307_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("retires_at", None)),
                        fields=("client", "kid"),
                        name="one_key_in_use_per_client_and_kid",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("retires_at", None)),
                        fields=("client", "thumbprint"),
                        name="one_row_per_client_and_key_in_use",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("proven_at__isnull", False), ("retires_at", None)),
                        fields=("thumbprint",),
                        name="one_client_per_proven_key_in_use",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("uid", models.UUIDField(db_index=True, null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("browser", models.CharField(blank=True, max_length=60)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UserNetwork",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("network", models.CharField(max_length=43)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="networks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["last_seen_at"], name="user_network_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "network"), name="one_row_per_user_and_network")
                ],
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("contact_added", "Add a contact"),
                            ("contact_promoted", "Make a contact owner"),
                            ("scopes_given", "Give scopes without a request"),
                            ("scope_retired", "Retire a scope"),
                            ("scope_eased", "Drop the second approval of a scope"),
                        ],
                        max_length=20,
                    ),
                ),
                ("target", models.CharField(max_length=300)),
                ("content", models.JSONField(default=dict)),
                ("changes", models.JSONField(default=dict)),
                ("content_hash", models.CharField(max_length=64)),
                ("reason", models.TextField(max_length=1000)),
                ("proposed_at", models.DateTimeField()),
                ("void_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for a colleague"),
                            ("confirmed", "Confirmed"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                            ("void", "Void: nobody confirmed it in time"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="clients.client",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="clients.scope",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "waiting")), fields=["proposed_at"], name="proposal_waiting"
                    ),
                    models.Index(fields=["-proposed_at"], name="proposal_newest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("client", None), ("scope__isnull", False)),
                            models.Q(("client__isnull", False), ("scope", None)),
                            _connector="OR",
                        ),
                        name="a_proposal_is_about_a_client_or_a_scope",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "confirmed"), _negated=True),
                            models.Q(
                                ("decided_by__isnull", False),
                                models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="nobody_confirms_their_own_proposal",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("outcome", "waiting")),
                        fields=("kind", "target"),
                        name="one_waiting_proposal_per_target",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="client",
            name="scopes",
            field=models.ManyToManyField(related_name="clients", through="clients.ClientScope", to="clients.scope"),
        ),
        migrations.AddField(
            model_name="registration",
            name="scopes",
            field=models.ManyToManyField(
                related_name="registrations", through="clients.RegistrationScope", to="clients.scope"
            ),
        ),
    ]
