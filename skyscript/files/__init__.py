"""The published file formats: names, pairs as CSV, meta pickles, zips and tars of them."""
