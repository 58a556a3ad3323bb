import datetime

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="InstructorProfile",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="instructor_profile",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("bio", models.TextField(blank=True)),
                (
                    "commission_bps",
                    models.PositiveIntegerField(default=1500, help_text="Commission in basis points for new bookings"),
                ),
                (
                    "is_founding",
                    models.BooleanField(default=False, help_text="800 bps for life, 100 places in all (policy 1)"),
                ),
                ("tier_evaluated_at", models.DateTimeField(blank=True, null=True)),
                ("minimum_notice_minutes", models.PositiveIntegerField(default=60)),
                ("is_listed", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("commission_bps__lte", 10000)), name="commission_at_most_whole"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_founding", False), ("commission_bps", 800), _connector="OR"),
                        name="founding_pays_800_bps",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FoundingPlace",
            fields=[
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        primary_key=True,
                        serialize=False,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                ("granted_at", models.DateTimeField()),
                (
                    "instructor",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="founding_place",
                        to="catalog.instructorprofile",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1), ("number__lte", 100)), name="hundred_founding_places"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AvailabilityException",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField()),
                ("starts", models.TimeField(blank=True, null=True)),
                ("ends", models.TimeField(blank=True, null=True)),
                ("is_available", models.BooleanField(default=False)),
                (
                    "instructor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exceptions",
                        to="catalog.instructorprofile",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["instructor", "date"], name="catalog_ava_instruc_092cb7_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ends__isnull", True), ("starts__isnull", True)),
                            models.Q(
                                ("ends__isnull", False),
                                ("starts__isnull", False),
                                models.Q(
                                    ("ends", datetime.time(0, 0)), ("ends__gt", models.F("starts")), _connector="OR"
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="exception_is_a_day_or_a_stretch",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Service",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=common.ids.new_id, editable=False, max_length=26, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("description", models.TextField(blank=True)),
                (
                    "hourly_rate_cents",
                    models.PositiveIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(1000000),
                        ]
                    ),
                ),
                (
                    "durations",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), help_text="Minutes a lesson may last", size=None
                    ),
                ),
                (
                    "modalities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("online", "Online"),
                                ("student_location", "At the student's"),
                                ("instructor_location", "At the instructor's"),
                                ("neutral_location", "At a neutral place"),
                            ],
                            max_length=24,
                        ),
                        size=None,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "instructor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="services",
                        to="catalog.instructorprofile",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("hourly_rate_cents__lte", 1000000)), name="hourly_rate_at_most_10000"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WeeklyHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        help_text="0 is Monday", validators=[django.core.validators.MaxValueValidator(6)]
                    ),
                ),
                ("starts", models.TimeField()),
                ("ends", models.TimeField()),
                (
                    "instructor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="weekly_hours",
                        to="catalog.instructorprofile",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "weekly hours",
                "indexes": [models.Index(fields=["instructor", "weekday"], name="catalog_wee_instruc_0f6349_idx")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("weekday__lte", 6)), name="weekday_monday_to_sunday"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends", datetime.time(0, 0)), ("ends__gt", models.F("starts")), _connector="OR"
                        ),
                        name="hours_end_after_they_start",
                    ),
                ],
            },
        ),
    ]
