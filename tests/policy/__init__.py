"""The pure rules of the money, for any amounts and instants."""
