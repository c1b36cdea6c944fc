"""The few paths the gateway answers itself."""
