"""From a camera to the texts in view."""
