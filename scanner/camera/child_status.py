"""How the camera's process says, by its exit status, why it ended. Imports nothing, so that both sides may read it."""

STUCK = 3
"""The driver does not come back from a call; a new process is the only cure."""
