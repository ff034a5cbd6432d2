"""The time zone that counts where none is said. Apart, so that a command's `--help` needs no more than this."""

HONG_KONG = "Asia/Hong_Kong"
