"""Who may ask, from where, and how much: the web's defences, one file each."""
