// Hints that Swift has no words for. The functions become part of the caller.
#pragma once

/// Brings the cache line of `address` to the core, to be read soon. Nothing happens where there is no memory.
static inline __attribute__((always_inline)) void cprefetch_for_reading(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

/// The same for what is read later: it stays out of the first cache.
static inline __attribute__((always_inline)) void cprefetch_for_later(const void *address) {
    __builtin_prefetch(address, 0, 2);
}
