"""Every store in SQL that all databases understand; what they do not share is a `SqlVariant`."""
