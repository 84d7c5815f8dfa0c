"""Files of a release (`make release`), and the audit of the parts it is made of (`make audit`)."""
