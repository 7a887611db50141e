"""Which answers may be given again."""
