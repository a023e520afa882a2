"""The embedded demo: an island that does not exist, written as a real OSM extract."""
