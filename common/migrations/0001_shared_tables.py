"""Tables without models: leases of the mutex, request counters, the pace of calls to Stripe."""

from django.contrib.postgres.operations import BtreeGistExtension, CITextExtension
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    operations = [
        BtreeGistExtension(),
        CITextExtension(),
        migrations.RunSQL(
            """
            CREATE TABLE common_lease (key text PRIMARY KEY, token bigint NOT NULL, expires_at timestamptz NOT NULL);
            CREATE SEQUENCE common_fencing_token;
            CREATE UNLOGGED TABLE common_counter (key text PRIMARY KEY, time_window bigint NOT NULL, uses integer NOT NULL,
              used_at timestamptz NOT NULL DEFAULT now());
            CREATE UNLOGGED TABLE common_pace (key text PRIMARY KEY, next_free timestamptz NOT NULL);
            CREATE FUNCTION common_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
            END $$;
            """,
            """
            DROP FUNCTION common_refuse_change();
            DROP TABLE common_pace; DROP TABLE common_counter; DROP SEQUENCE common_fencing_token;
            DROP TABLE common_lease;
            """,
        ),
    ]
