"""The gateway's data path beside nginx and HAProxy, in one run: `python -m bench.gateway`."""
