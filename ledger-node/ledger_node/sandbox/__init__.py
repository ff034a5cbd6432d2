"""A wallet provider for demonstrations and tests: a server of its own with its own money. The node never imports it."""
