"""The page that gate staff look at."""
