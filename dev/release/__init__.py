"""What a release consists of (`make release`), and what is known about the parts it is made of (`make audit`)."""
