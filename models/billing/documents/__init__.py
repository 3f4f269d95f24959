"""The documents of an invoice: EN 16931 XML, the PDF that carries it, and the evidence both carry.

Belongs here: turning one complete `InvoiceDocument` into bytes, the same bytes every time.
Does not belong here: reading a database, computing an amount, deciding what is billed.
"""
