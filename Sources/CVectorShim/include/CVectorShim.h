// Instructions that Swift has no words for. The functions become part of the caller, and are those of the processor for which it is
// compiled.
#pragma once

#include <immintrin.h>

/// Which of the sixteen floats at `first` and at `second` are not both zero, the first in the lowest bit. What is not a number is not zero.
static inline __attribute__((always_inline)) long cvector_nonzero_bits(const float *first, const float *second) {
#if defined(__AVX512F__)
    __m512i either = _mm512_or_si512(_mm512_loadu_si512(first), _mm512_loadu_si512(second));
    return _mm512_test_epi32_mask(either, _mm512_set1_epi32(0x7fffffff));
#elif defined(__AVX2__)
    unsigned bits = 0;
    for (int half = 0; half < 2; half++) {
        __m256i either = _mm256_or_si256(
            _mm256_loadu_si256((const __m256i *)first + half), _mm256_loadu_si256((const __m256i *)second + half));
        // Without its sign, a float that is not zero is a positive integer.
        __m256i magnitude = _mm256_and_si256(either, _mm256_set1_epi32(0x7fffffff));
        __m256 isNonzero = _mm256_castsi256_ps(_mm256_cmpgt_epi32(magnitude, _mm256_setzero_si256()));
        bits |= (unsigned)_mm256_movemask_ps(isNonzero) << 8 * half;
    }
    return bits;
#else
    unsigned bits = 0;
    for (int lane = 0; lane < 16; lane++) bits |= (unsigned)(first[lane] != 0 || second[lane] != 0) << lane;
    return bits;
#endif
}

/// Brings the cache line of `address` to the core, to be read soon. Nothing happens where there is no memory.
static inline __attribute__((always_inline)) void cvector_prefetch_for_reading(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

/// The same for what is read later: it stays out of the first cache.
static inline __attribute__((always_inline)) void cvector_prefetch_for_later(const void *address) {
    __builtin_prefetch(address, 0, 2);
}
