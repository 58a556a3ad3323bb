"""What tests stand on: a database, a Stripe sandbox, a home folder and ports for every pytest process."""
