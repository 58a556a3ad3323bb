"""The ledger is written once and never changed, and every entry balances when its transaction commits."""

from django.db import migrations

TABLES = ["payments_ledgerentry", "payments_ledgerline"]


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("common", "0001_shared_tables")]
    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION common_refuse_change();",
            f"DROP TRIGGER {table}_append_only ON {table};",
        )
        for table in TABLES
    ]


Migration.operations.append(
    migrations.RunSQL(
        """
        CREATE FUNCTION payments_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF (SELECT sum(amount_cents) FROM payments_ledgerline WHERE entry_id = NEW.entry_id) <> 0 THEN
            RAISE EXCEPTION 'ledger entry % does not balance', NEW.entry_id;
          END IF;
          RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER payments_ledgerline_balances AFTER INSERT ON payments_ledgerline
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_entry_balances();
        """,
        "DROP TRIGGER payments_ledgerline_balances ON payments_ledgerline; DROP FUNCTION payments_entry_balances();",
    )
)
