"""Whoever has an account before addresses were verified counts as verified; tokens of the old kind are gone."""

from typing import Any

from django.db import migrations


def verify(apps: Any, schema_editor: Any) -> None:
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    known = EmailAddress.objects.values_list("user_id", flat=True)
    EmailAddress.objects.bulk_create(
        (
            EmailAddress(user_id=user_id, email=email.lower(), verified=True, primary=True)
            for user_id, email in User.objects.exclude(pk__in=known).values_list("pk", "email").iterator()
        ),
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_accounts_mail"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]
    operations = [
        migrations.RunPython(verify, migrations.RunPython.noop),
        migrations.RunSQL(
            "DROP TABLE IF EXISTS token_blacklist_blacklistedtoken; DROP TABLE IF EXISTS token_blacklist_outstandingtoken",
            migrations.RunSQL.noop,
        ),
    ]
