"""Changes of rates are written once and never changed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("bookings", "0006_support_mails_rates"), ("common", "0001_shared_tables")]
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER bookings_ratechange_append_only BEFORE UPDATE OR DELETE ON bookings_ratechange"
            " FOR EACH ROW EXECUTE FUNCTION common_refuse_change();",
            "DROP TRIGGER bookings_ratechange_append_only ON bookings_ratechange;",
        )
    ]
