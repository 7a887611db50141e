"""A gateway on PostgreSQL with a model that answers at once."""

CONFIG = """
[server]
port = {port}
[store]
url = "{url}"
[models.small]
url = "http://127.0.0.1:{upstream}/v1"
[upstreams.far]
base_url = "http://127.0.0.1:{upstream}/v1"
[upstreams.far.models.mock]
price = "gpt-6.1-sol"
"""
"""For `format`: port, url, upstream."""
