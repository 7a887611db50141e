"""Who and where: names read before something leaves."""
