"""Steps that several pages share: a form in, one act done, a message said."""
