"""Rules of the domain that only the acts held until now: the database holds them too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0005_lists_in_order"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(("rate_limit", None), ("rate_limit__gte", 1), _connector="OR"),
                name="rate_limit_lets_one_in",
            ),
        ),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by", None),
                    models.Q(("decided_by", models.F("requester")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_decides_on_their_own_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "approved"), _negated=True),
                    ("endorsed_by", None),
                    models.Q(("endorsed_by", models.F("decided_by")), _negated=True),
                    _connector="OR",
                ),
                name="two_approvals_are_by_two_people",
            ),
        ),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ("submitted", "changes_requested"))),
                fields=("client",),
                name="one_open_request_per_client",
            ),
        ),
    ]
