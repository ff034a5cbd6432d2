"""`python -m tests.show`: the demo, ended in one sentence also if it is stopped while its modules are being read."""

import os
import signal
import sys

try:
    from tests.show.demo import main

    status = main()
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("Stopped by hand, before the show began", flush=True)
    # Python kills itself at its end if a Ctrl-C went through a library's own start, whatever status is asked for.
    os._exit(130)
sys.exit(status)
