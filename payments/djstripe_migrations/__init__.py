"""dj-stripe's schema, kept here through MIGRATION_MODULES."""
