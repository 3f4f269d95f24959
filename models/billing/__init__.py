"""Equipment-as-a-Service billing: contracts, meters, usage, rating, invoices, documents. README.md says what it owns."""
