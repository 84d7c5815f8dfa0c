"""One row per mailbox, however its address is spelled (clients/addresses.py).

Two people who are registered with spellings of one mailbox stay two: the plainest spelling, then staff, then the older
one gets the common key; the other keeps the key of its own spelling, which `UserManager.with_address` finds first.
"""

from collections import defaultdict

from django.db import migrations, models

import clients.models.people
from clients import addresses

BATCH = 2000


def fill_people(apps, schema_editor):
    User = apps.get_model("clients", "User")
    people = defaultdict(list)
    for user in User.objects.only("email", "role", "mailbox").order_by("pk").iterator(BATCH):
        people[addresses.mailbox(user.email)].append(user)
    changed = []
    for key, users in people.items():
        users.sort(key=lambda user: (user.email != key, user.role == "contact", user.pk))
        for user in users:
            user.mailbox = key if user is users[0] else user.email  # no other's key: it is no key, or would be first
            changed.append(user)
    User.objects.bulk_update(changed, ["mailbox"], batch_size=BATCH)


def fill_codes(apps, schema_editor):
    MailedCode = apps.get_model("clients", "MailedCode")
    for email in MailedCode.objects.values_list("email", flat=True).distinct():
        MailedCode.objects.filter(email=email).update(mailbox=addresses.mailbox(email))


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0009_whole_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="email",
            field=models.EmailField(
                max_length=254,
                unique=True,
                validators=[clients.models.people.check_address],
                verbose_name="e-mail address",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="mailbox",
            field=clients.models.people.MailboxField(editable=False, max_length=254, null=True),
        ),
        migrations.AddField(
            model_name="mailedcode",
            name="mailbox",
            field=clients.models.people.MailboxField(default="", editable=False, max_length=254),
            preserve_default=False,
        ),
        migrations.RunPython(fill_people, migrations.RunPython.noop),
        migrations.RunPython(fill_codes, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="user",
            name="mailbox",
            field=clients.models.people.MailboxField(editable=False, max_length=254, unique=True),
        ),
        migrations.RemoveIndex(model_name="mailedcode", name="clients_mai_email_4dacfe_idx"),
        migrations.AddIndex(
            model_name="mailedcode",
            index=models.Index(fields=["mailbox", "-created_at"], name="clients_mai_mailbox_b18da4_idx"),
        ),
    ]
