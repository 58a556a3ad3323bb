"""A simulated market: people acting at random for months on the real stack, with everything going wrong. `make simulate`."""
