"""Doors to the community: search and instructors, favourites, reviews, referrals, conversations."""
