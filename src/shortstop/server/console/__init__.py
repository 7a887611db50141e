"""The console: who may look, forms, pages. `shortstop.console` draws them."""
