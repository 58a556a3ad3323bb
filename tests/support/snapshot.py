"""The database as it was: has anything changed, and back again. For tests that commit for real."""

from django.db import connections

SCHEMA = "snapshot"
KEPT = {"django_migrations", "job_cluster_status", "common_lease", "common_pace"}
# What a request may leave that was refused: that it was made, in which session, and with a wrong code.
NOT_COUNTED = {"accounts_auditentry", "common_counter", "django_session", "usersessions_usersession"}
Digest = dict[str, tuple[int, str]]


class Snapshot:
    """A copy of every table, made once and gone back to as often as wanted."""

    def __init__(self) -> None:
        self._connection = connections.create_connection("default")  # of its own: requests may close the other
        with self._connection.cursor() as cursor:
            tables = sorted(set(self._connection.introspection.table_names(cursor)) - KEPT)
            parts = [
                f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
                f' FROM "{table}" AS t'
                for table in tables
            ]
            cursor.execute(f"PREPARE contents AS {' UNION ALL '.join(parts)}")
            cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
            self.before = self.digest()
            for table, (rows, _) in self.before.items():
                if rows:
                    cursor.execute(f'CREATE TABLE {SCHEMA}."{table}" AS TABLE "{table}"')

    def digest(self) -> Digest:
        """How many rows each table has, and a hash of them all."""
        with self._connection.cursor() as cursor:
            cursor.execute("EXECUTE contents")
            return {table: (rows, digest) for table, rows, digest in cursor.fetchall()}

    def restore(self) -> None:
        """Everything as it was."""
        changed = [table for table, now in self.digest().items() if now != self.before[table]]
        with self._connection.cursor() as cursor:
            statements = [f'DELETE FROM "{table}"' for table in changed]
            for table in changed:
                if self.before[table][0]:
                    columns = ", ".join(self._columns(table))
                    statements.append(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM {SCHEMA}."{table}"')
            if statements:
                cursor.execute(
                    f"SET session_replication_role = replica; {'; '.join(statements)}; RESET session_replication_role"
                )

    def forget(self) -> None:
        """Drop the copy."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        self._connection.close()

    def _columns(self, table: str) -> list[str]:
        """Those that are stored as given; generated ones follow by themselves."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
                "AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
                [table],
            )
            return [f'"{name}"' for (name,) in cursor.fetchall()]
