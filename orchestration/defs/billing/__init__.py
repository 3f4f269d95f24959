"""From metered usage to drafts and issued invoices."""
