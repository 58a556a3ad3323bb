"""Notes are written once and never changed."""

from django.db import migrations

TABLES = ["support_note"]


class Migration(migrations.Migration):
    dependencies = [("support", "0002_groups"), ("common", "0001_shared_tables")]
    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION common_refuse_change();",
            f"DROP TRIGGER {table}_append_only ON {table};",
        )
        for table in TABLES
    ]
