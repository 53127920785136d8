from kschedcore._native.nominations import Nominations

class Shared:
    nominations: Nominations
    def __init__(self, nominations: Nominations) -> None: ...
