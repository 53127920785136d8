API: object
