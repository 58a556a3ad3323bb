import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Wallet",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="wallet",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CreditFreeze",
            fields=[
                ("payment_id", models.CharField(max_length=26, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("lifted", "Lifted: won or withdrawn"),
                            ("lost", "Lost: credits revoked"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "open")),
                            models.Q(("closed_at__isnull", False), ("state__in", ["lifted", "lost"])),
                            _connector="OR",
                        ),
                        name="freeze_closed_has_its_date",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditLot",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=common.ids.new_id, editable=False, max_length=26, primary_key=True, serialize=False
                    ),
                ),
                ("amount_cents", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("available", "Available"),
                            ("reserved", "Reserved"),
                            ("consumed", "Consumed"),
                            ("forfeited", "Forfeited"),
                            ("expired", "Expired"),
                            ("frozen", "Frozen"),
                            ("revoked", "Revoked"),
                        ],
                        default="available",
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("cancel_12_24", "Cancelled 12–24 h before"),
                            ("cancel_lt12", "Cancelled less than 12 h before"),
                            ("cancel_locked", "Locked lesson cancelled"),
                            ("milestone", "Milestone"),
                            ("referral", "Referral"),
                            ("goodwill", "Goodwill"),
                            ("migration", "Migration"),
                        ],
                        max_length=16,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(help_text="When it was issued; parts of a split keep it")),
                (
                    "origin_payment_id",
                    models.CharField(
                        blank=True, db_index=True, help_text="The payment it was issued from, if any", max_length=26
                    ),
                ),
                (
                    "issue_key",
                    models.CharField(
                        help_text="One issue per cause; empty on parts", max_length=120, null=True, unique=True
                    ),
                ),
                (
                    "reserved_for",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        help_text="The payment it is reserved for or was used by",
                        max_length=26,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_lots",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "split_from",
                    models.ForeignKey(
                        blank=True,
                        help_text="The issued lot it is a part of",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="credits.creditlot",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CreditEntry",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=common.ids.new_id, editable=False, max_length=26, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("issue", "Issue"),
                            ("reserve", "Reserve"),
                            ("release", "Release"),
                            ("consume", "Consume"),
                            ("forfeit", "Forfeit"),
                            ("expire", "Expire"),
                            ("freeze", "Freeze"),
                            ("unfreeze", "Unfreeze"),
                            ("revoke", "Revoke"),
                        ],
                        max_length=10,
                    ),
                ),
                ("amount_cents", models.PositiveIntegerField()),
                ("payment_id", models.CharField(blank=True, db_index=True, max_length=26)),
                ("reason", models.CharField(blank=True, help_text="The issue key or cause", max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="credits.creditlot"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "credit entries",
            },
        ),
        migrations.AddIndex(
            model_name="creditlot",
            index=models.Index(
                fields=["owner", "status", "expires_at", "created_at", "id"], name="lots_first_expiring"
            ),
        ),
        migrations.AddIndex(
            model_name="creditlot",
            index=models.Index(
                condition=models.Q(("status", "available")), fields=["expires_at"], name="lots_to_expire"
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(condition=models.Q(("amount_cents__gt", 0)), name="credit_lot_positive"),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reserved_for__gt", ""), ("status__in", ["reserved", "consumed", "forfeited"])),
                    models.Q(
                        models.Q(("status__in", ["reserved", "consumed", "forfeited"]), _negated=True),
                        ("reserved_for", ""),
                    ),
                    _connector="OR",
                ),
                name="lot_in_use_names_its_payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(("issue_key__isnull", False), ("split_from__isnull", False), _connector="OR"),
                name="lot_is_issued_or_a_part",
            ),
        ),
        migrations.AddIndex(
            model_name="creditentry",
            index=models.Index(fields=["owner", "at"], name="credits_cre_owner_i_26788e_idx"),
        ),
        migrations.AddConstraint(
            model_name="creditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_cents__gt", 0)), name="credit_entry_positive"
            ),
        ),
    ]
