"""The site, the admin's desk and the local inbox."""
