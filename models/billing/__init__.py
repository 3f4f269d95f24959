"""Equipment-as-a-Service billing: contracts, usage, rating, invoices, documents. README.md says what it owns."""
