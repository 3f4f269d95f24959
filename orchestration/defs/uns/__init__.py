"""What plants delivered: landed files into the raw schema, partitioned by site and day."""
