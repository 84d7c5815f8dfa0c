"""Steps that several pages share: from a form to an act and a message."""
