"""Pages about oneself: credit, cards and payments, the account."""
