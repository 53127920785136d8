"""The client library of components, like client-go: typed verbs, informers, work queues, events."""
