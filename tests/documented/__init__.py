"""Support for the tests that run the commands of README.md and docs/*.md as they are printed."""
