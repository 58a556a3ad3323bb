"""The audit trail is written once and never changed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_audit"), ("common", "0001_shared_tables")]
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER accounts_auditentry_append_only BEFORE UPDATE OR DELETE ON accounts_auditentry"
            " FOR EACH ROW EXECUTE FUNCTION common_refuse_change();"
            "CREATE TRIGGER accounts_auditentry_no_truncate BEFORE TRUNCATE ON accounts_auditentry"
            " FOR EACH STATEMENT EXECUTE FUNCTION common_refuse_change();",
            "DROP TRIGGER accounts_auditentry_append_only ON accounts_auditentry;"
            "DROP TRIGGER accounts_auditentry_no_truncate ON accounts_auditentry;",
        )
    ]
