"""What a hostile outsider, tenant and web page sends, each with what is right (README.md)."""
