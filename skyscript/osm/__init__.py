"""OSM files and the rules that turn their ways and relations into objects."""
