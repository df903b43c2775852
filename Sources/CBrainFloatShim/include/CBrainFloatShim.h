// The instructions of AVX512-BF16, which Swift has no words for. A brain float (bfloat16) is the upper half of a float: its sign, its
// exponent, and seven bits of its fraction.
//
// Only for code that is compiled for such processors, and called after the processor has been asked; empty for all other. The
// functions become part of the caller.
#pragma once

#ifdef __AVX512BF16__
#include <immintrin.h>

typedef float cbrainfloat_floats __attribute__((ext_vector_type(16)));
typedef unsigned int cbrainfloat_pairs __attribute__((ext_vector_type(16)));
typedef unsigned short cbrainfloat_halves __attribute__((ext_vector_type(16)));
typedef unsigned short cbrainfloat_numbers __attribute__((ext_vector_type(32)));

/// sums + a * b, two products in each of the sixteen lanes: that of the upper numbers of the pairs first, then that of the lower, each
/// rounded once as a fused multiply-add; what is smaller than the smallest normal float counts as zero.
static inline __attribute__((always_inline)) cbrainfloat_floats cbrainfloat_add_products(
    cbrainfloat_floats sums, cbrainfloat_pairs a, cbrainfloat_pairs b) {
    return (cbrainfloat_floats)_mm512_dpbf16_ps((__m512)sums, (__m512bh)a, (__m512bh)b);
}

/// Floats rounded to the nearest brain floats, to even ones in the middle: those of `low`, then those of `high`.
static inline __attribute__((always_inline)) cbrainfloat_numbers cbrainfloat_round(
    cbrainfloat_floats low, cbrainfloat_floats high) {
    return (cbrainfloat_numbers)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
}

/// The same for sixteen.
static inline __attribute__((always_inline)) cbrainfloat_halves cbrainfloat_round_half(cbrainfloat_floats floats) {
    return (cbrainfloat_halves)_mm512_cvtneps_pbh((__m512)floats);
}

/// The same for the first `count` floats at `source`, at most sixteen; nothing is read or written beyond them.
static inline __attribute__((always_inline)) void cbrainfloat_round_part(
    const float *source, long count, unsigned short *target) {
    __mmask16 mask = (__mmask16)((1u << count) - 1);
    _mm256_mask_storeu_epi16(target, mask, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, source)));
}

/// The same for the first `count` floats at `source`, at most sixteen, the others zeros; nothing is read beyond them.
static inline __attribute__((always_inline)) cbrainfloat_halves cbrainfloat_round_first(const float *source, long count) {
    __mmask16 mask = (__mmask16)((1u << count) - 1);
    return (cbrainfloat_halves)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, source));
}

/// Sixteen pairs of a number of `low` and a number of `high`.
static inline __attribute__((always_inline)) cbrainfloat_pairs cbrainfloat_interleave(
    cbrainfloat_halves low, cbrainfloat_halves high) {
    __m512i upper = _mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)high), 16);
    return (cbrainfloat_pairs)_mm512_or_si512(_mm512_cvtepu16_epi32((__m256i)low), upper);
}

/// Asks for the cache line at `address` to be brought into the second cache. Any address will do.
static inline __attribute__((always_inline)) void cbrainfloat_prefetch(const void *address) {
    _mm_prefetch((const char *)address, _MM_HINT_T1);
}
#endif
