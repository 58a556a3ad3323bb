"""The tests' own ground: a database with real commits, empty for every test."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from tests.support.database import Cleaner


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_starts_with_an_empty_database(database: None, turn: str) -> None:
    people = get_user_model()._default_manager
    assert not people.exists()
    people.create_user("somebody@example.com", "a password")
    assert not connection.in_atomic_block


def test_a_transaction_left_open_is_found_out(database: None) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="transaction open"):
        Cleaner().empty()
