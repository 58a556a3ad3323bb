"""The rules of the money, as pure functions and tables of plain values. Nothing here knows a database or Stripe."""
