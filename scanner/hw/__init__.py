"""The pins: turnstile, lamps, buzzer, inputs, watchdog."""
