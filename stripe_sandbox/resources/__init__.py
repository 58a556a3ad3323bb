"""A module for each resource of the API. Importing a module registers its routes."""
