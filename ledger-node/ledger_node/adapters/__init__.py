"""The outside organisations behind ports: ticketing system, wallet provider, mail and SMS."""
