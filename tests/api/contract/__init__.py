"""The contract of the API: one good request per endpoint, and everything that is held against all of them."""
