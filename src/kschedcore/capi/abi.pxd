"""The declarations of ``kschedcore.h``."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "kschedcore.h":
    enum:
        KSCHEDCORE_ABI_VERSION
        KSCHEDCORE_OK
        KSCHEDCORE_USAGE
        KSCHEDCORE_NOT_FOUND
        KSCHEDCORE_CONFIG
        KSCHEDCORE_MANIFEST
        KSCHEDCORE_FAILED
        KSCHEDCORE_NO_MEMORY
        KSCHEDCORE_INTERNAL

    const char* KSCHEDCORE_CAPSULE

    struct ArrowSchema:
        void (*release)(ArrowSchema*) noexcept nogil

    struct ArrowArray:
        void (*release)(ArrowArray*) noexcept nogil

    struct ArrowArrayStream:
        void (*release)(ArrowArrayStream*) noexcept nogil

    struct kschedcore_engine:
        pass

    struct kschedcore_decisions:
        pass

    struct kschedcore_options:
        uint32_t size
        uint32_t tie_break
        uint64_t seed
        const char* configuration

    struct kschedcore_api:
        uint32_t abi_version
        uint32_t size
        const char* (*version)() noexcept nogil
        const char* (*last_error)() noexcept nogil
        int (*stream_of_batch)(ArrowSchema*, ArrowArray*, ArrowArrayStream*) noexcept nogil
        int (*engine_new)(const kschedcore_options*, kschedcore_engine**) noexcept nogil
        void (*engine_free)(kschedcore_engine*) noexcept nogil
        int (*add_nodes)(kschedcore_engine*, ArrowArrayStream*) noexcept nogil
        int (*add_pods)(kschedcore_engine*, ArrowArrayStream*) noexcept nogil
        int (*set_object)(kschedcore_engine*, const char*) noexcept nogil
        int (*remove_object)(kschedcore_engine*, const char*, const char*, const char*) noexcept nogil
        int (*place)(kschedcore_engine*, ArrowArrayStream*, kschedcore_decisions**) noexcept nogil
        int (*decisions_count)(const kschedcore_decisions*, int64_t*) noexcept nogil
        int (*decision_node)(const kschedcore_decisions*, int64_t, const char**) noexcept nogil
        int (*decision_message)(const kschedcore_decisions*, int64_t, const char**) noexcept nogil
        int (*decisions_table)(const kschedcore_decisions*, ArrowArrayStream*) noexcept nogil
        void (*decisions_free)(kschedcore_decisions*) noexcept nogil
        int (*explain)(kschedcore_engine*, const char*, char**) noexcept nogil
        void (*text_free)(char*) noexcept nogil
        int (*nodes)(kschedcore_engine*, ArrowArrayStream*) noexcept nogil
