"""How components reach the API: typed verbs, informers, work queues, events. What client-go is to Kubernetes."""
