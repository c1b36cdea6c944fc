"""Events in and out of a service: the relay, the consumer, and work done once a while."""
