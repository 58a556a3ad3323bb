"""Who may do what at the desk: three groups. A superuser puts people into them."""

from typing import Any

from django.db import migrations

PERMISSIONS = {  # codename: app, model, name; Django makes them after the migrations, groups need them before
    "view_financials": ("accounts", "user", "Can see everybody's money"),
    "manage_financials": ("accounts", "user", "Can move money: cancel, refund, resolve"),
    "view_user": ("accounts", "user", "Can view user"),
    "work_desk": ("support", "deskaction", "Can work at the desk: claim, note, send mails and events again"),
}
GROUPS = {
    "read-only": ("view_financials", "view_user"),
    "support": ("view_financials", "view_user", "work_desk"),
    "finance": ("view_financials", "view_user", "work_desk", "manage_financials"),
}


def make_groups(apps: Any, schema_editor: Any = None) -> None:
    """Make the groups, or put what they may do right."""
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    content_type = apps.get_model("contenttypes", "ContentType")
    made = {}
    for codename, (app, model, name) in PERMISSIONS.items():
        of, _ = content_type.objects.get_or_create(app_label=app, model=model)
        made[codename], _ = permission.objects.get_or_create(
            content_type=of, codename=codename, defaults={"name": name}
        )
    for name, codenames in GROUPS.items():
        group.objects.get_or_create(name=name)[0].permissions.set([made[codename] for codename in codenames])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_idempotency_keys"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("support", "0001_initial"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
