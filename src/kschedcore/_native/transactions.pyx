# cython: boundscheck=True, wraparound=True
"""Mutual exclusion of callers, and transactions that are rolled back at the end of a what-if block or on an exception.

Exceptions may come from anywhere: a signal handler (Ctrl-C, an alarm), a trace function, a plugin, MemoryError.
Signal handlers and trace functions run between bytecodes, so that the compiled steps here are not interrupted; the
Python code that they call may be, at any point, and is written so that it can be recovered:

* one dictionary entry (or array) per fact is the record, and all other state, the native tables included, can be
  derived from the records again (``recover``);
* the undo step of a change is recorded before the change, and restores a value rather than reversing an operation,
  so that it may run twice, or without the change having been made.
"""

from functools import wraps
from threading import RLock
from weakref import ref

from kschedcore.errors import KschedcoreError, UsageError

cdef enum:
    ATTEMPTS = 100                     # how often an interrupted recovery is retried


cdef class Guard:
    """Lets one thread at a time call the methods of an object, and refuses re-entrant calls.

    A plugin, a signal handler or a finaliser that calls the object while a method of it runs on the same thread
    would see an inconsistent state, and is refused. Within a :class:`WhatIf` block, whose thread keeps the lock,
    methods may be called one after another.

    Args:
        owner: The object. Its ``_recover()`` makes everything that is derived agree with the records; it is called
            after a method raised anything but an error of :mod:`kschedcore.errors`, which are raised before
            anything is changed.
    """

    cdef object lock, owner, running

    def __cinit__(self, owner not None):
        self.lock = RLock()
        self.owner = ref(owner)

    cdef int enter(self, owner, str name) except -1:
        self.lock.acquire()
        if self.running is not None:
            running = self.running
            self.lock.release()
            kind, called = type(owner).__name__, name.lstrip("_")
            raise UsageError(
                f"{kind}.{called}() was called while {kind}.{running}() is running on this thread; a plugin, signal "
                f"handler or finaliser cannot call the {kind.lower()} that is running it"
            )
        self.running = name.lstrip("_")
        return 0

    cdef int leave(self) except -1:
        self.running = None
        self.lock.release()
        return 0

    cdef object call(self, method, owner, tuple args, dict kwargs):
        self.enter(owner, method.__name__)
        try:
            return method(owner, *args, **kwargs)
        except KschedcoreError:
            raise
        except BaseException:
            self.repair()
            raise
        finally:
            self.leave()

    cdef int repair(self) except -1:
        """Recover, and retry when that is interrupted."""
        cdef int attempt
        for attempt in range(ATTEMPTS):
            try:
                self.owner()._recover()
                return 0
            except BaseException:
                if attempt == ATTEMPTS - 1:
                    raise
        return 0


def exclusive(method):
    """Make a method wait for other threads, and refuse calls from within another method of the object.

    The object's :class:`Guard` is its attribute ``_guard``.
    """
    @wraps(method)
    def run(self, *args, **kwargs):
        return (<Guard?> self._guard).call(method, self, args, kwargs)

    return run


cdef class Journal:
    """The undo log of the changes since a transaction began; transactions may be nested.

    Args:
        guard: The guard of the object that is changed.
    """

    cdef list steps, saved
    cdef bint undoing
    cdef Guard guard

    def __cinit__(self, Guard guard not None):
        self.guard = guard
        self.steps = []
        self.saved = []

    @property
    def is_open(self):
        """Whether a transaction is open and being recorded."""
        return bool(self.saved) and not self.undoing

    def record(self, restore, *args):
        """Record, before a change, the undo step that restores the state before it.

        ``restore(*args)`` must be correct whether or not the change was made, and when it is called twice.
        """
        if self.saved and not self.undoing:
            self.steps.append((restore, args))

    def save(self, take, put_back):
        """Record, before a change, a whole copy of a state that has no undo steps; once a transaction."""
        if self.saved and not self.undoing and put_back not in <set> self.saved[-1]:
            self.steps.append((put_back, (take(),)))
            (<set> self.saved[-1]).add(put_back)

    def transaction(self):
        """Return a context manager that rolls back, at its end, all changes made within."""
        return Transaction(self, False)

    def atomic(self):
        """Return a context manager that rolls back the changes made within if an exception ends it."""
        return Transaction(self, True)

    cdef object roll_back(self, Py_ssize_t begun):
        """Undo the latest steps back to an index; return the exception that interrupted that, or None."""
        cdef int attempts = 0
        first = None
        self.undoing = True
        while len(self.steps) > begun:
            restore, args = self.steps[-1]
            try:
                restore(*args)
            except BaseException as error:
                first = first or error
                attempts += 1
                self.guard.repair()
                if attempts < ATTEMPTS:
                    continue
            attempts = 0
            self.steps.pop()
        self.undoing = False
        return first


cdef class Transaction:
    """The context manager of :meth:`Journal.transaction` and :meth:`Journal.atomic`."""

    cdef Journal journal
    cdef Py_ssize_t begun
    cdef bint keeps                    # whether changes stay unless an exception ends the block

    def __cinit__(self, Journal journal not None, bint keeps):
        self.journal = journal
        self.keeps = keeps

    def __enter__(self):
        self.begun = len(self.journal.steps)
        self.journal.saved.append(set())
        return self

    def __exit__(self, kind, error, traceback):
        interrupted = None
        if error is not None and not isinstance(error, KschedcoreError):
            self.journal.guard.repair()
        if error is not None or not self.keeps:
            interrupted = self.journal.roll_back(self.begun)
        self.journal.saved.pop()
        if not self.journal.saved:
            del self.journal.steps[:]
        if interrupted is not None:
            raise interrupted
        return False


cdef class WhatIf:
    """The context manager of a what-if block: its changes are rolled back, and other threads wait until then.

    Args:
        owner: The object to change, which the ``with`` statement returns.
        guard: Its guard.
        journal: Its journal.
        prepare: Called at the beginning of the transaction, to record state that is not recorded when it changes.
    """

    cdef object owner, prepare
    cdef Guard guard
    cdef Journal journal
    cdef list transactions

    def __cinit__(self, owner, Guard guard not None, Journal journal not None, prepare not None):
        self.owner = owner
        self.guard = guard
        self.journal = journal
        self.prepare = prepare
        self.transactions = []

    def __enter__(self):
        self.guard.enter(self.owner, "what_if")
        transaction = self.journal.transaction()
        try:
            transaction.__enter__()
            self.transactions.append(transaction)
            self.guard.running = None
            self.prepare()
        except BaseException as error:
            if self.transactions:
                self.transactions.pop()
                transaction.__exit__(type(error), error, None)
            self.guard.leave()
            raise
        return self.owner

    def __exit__(self, kind, error, traceback):
        transaction = self.transactions.pop()
        self.guard.running = "what_if"
        try:
            transaction.__exit__(None, None, None)
        finally:
            self.guard.leave()
        return False
