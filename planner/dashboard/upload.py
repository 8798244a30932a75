def upload(here): pass
