# cython: boundscheck=True, wraparound=True
"""One caller at a time, and changes that are undone when a question or an exception ends them.

Exceptions may come from anywhere: a signal handler (Ctrl-C, an alarm), a trace function, a plugin, memory that runs
out. Signal handlers and trace functions run between bytecodes, hence the steps here, which are compiled, are not
interrupted; the Python code that they call may be, at any point, and is written so that it can be recovered:

* one dictionary entry (or array) per fact is the record, and everything else, the native tables included, can be
  derived from the records again (``recover``);
* what undoes a change is recorded before the change, and says what to restore rather than what to reverse, so that
  it may run twice, or after a change that never came.
"""

from functools import wraps
from threading import RLock
from weakref import ref

from kschedcore.errors import KschedcoreError, UsageError

cdef enum:
    ATTEMPTS = 100                     # how often recovery goes on after it was interrupted itself


cdef class Guard:
    """Lets one thread at a time call the methods of an object, and none of them call another.

    A plugin, a signal handler or a finaliser that calls the object while a method of it runs on the same thread
    would find it half changed, and is refused. Within a :class:`WhatIf` block, whose thread keeps the lock, methods
    may be called in turn as ever.

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
        """Recover, and begin again when that is interrupted."""
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
    """Let a method wait for other threads, and refuse it to code that runs within another method of the object.

    The object has its :class:`Guard` as ``_guard``.
    """
    @wraps(method)
    def run(self, *args, **kwargs):
        return (<Guard?> self._guard).call(method, self, args, kwargs)

    return run


cdef class Journal:
    """What restores the state before each change since a transaction began; transactions may be nested.

    Args:
        guard: Whose object is changed.
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
        """Whether a transaction is under way and being recorded."""
        return bool(self.saved) and not self.undoing

    def record(self, restore, *args):
        """Record, before a change, what restores the state from before it.

        ``restore(*args)`` must be right whether or not the change was made, and when it is called twice.
        """
        if self.saved and not self.undoing:
            self.steps.append((restore, args))

    def save(self, take, put_back):
        """Before a state changes of which only whole copies can be restored: keep one, once a transaction."""
        if self.saved and not self.undoing and put_back not in <set> self.saved[-1]:
            self.steps.append((put_back, (take(),)))
            (<set> self.saved[-1]).add(put_back)

    def transaction(self):
        """Return a context manager that undoes, at its end, everything that was changed within."""
        return Transaction(self, False)

    def atomic(self):
        """Return a context manager that undoes what was changed within if an exception ends it."""
        return Transaction(self, True)

    cdef object roll_back(self, Py_ssize_t begun):
        """Undo the steps from the latest back to a place; return what interrupted that, or None."""
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
    """The context manager of a question: the changes made within are undone, and other threads wait as long.

    Args:
        owner: The object that is asked, which the block is given.
        guard: Its guard.
        journal: Its journal.
        prepare: Called at the beginning of the transaction, to record what is not recorded when it changes.
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
