// Instructions that Swift has no words for. The functions become part of the caller, and are those of the processor for which it is
// compiled.
#pragma once

#include <immintrin.h>
#include <string.h>

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

/// Sixteen halves without those whose bits are all zero, one behind the other at `packed`, where sixteen are written. Returns which ones are
/// there, the first in the lowest bit.
static inline __attribute__((always_inline)) long cvector_pack_halves(const void *source, void *packed) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    __m256i halves = _mm256_loadu_si256((const __m256i *)source);
    __mmask16 bits = _mm256_test_epi16_mask(halves, halves);
    __m512i found = _mm512_maskz_compress_epi32(bits, _mm512_cvtepu16_epi32(halves));
    _mm256_storeu_si256((__m256i *)packed, _mm512_cvtepi32_epi16(found));
    return bits;
#elif defined(__BMI2__)
    unsigned long bits = 0;
    unsigned char *end = (unsigned char *)packed;
    for (int part = 0; part < 4; part++) {
        unsigned long halves;
        memcpy(&halves, (const unsigned char *)source + 8 * part, 8);
        // The highest bit of each half that has any.
        unsigned long low = 0x7fff7fff7fff7fff, high = 0x8000800080008000;
        unsigned long found = (((halves & low) + low) | halves) & high;
        unsigned long kept = _pext_u64(halves, (found >> 15) * 0xffff);
        memcpy(end, &kept, 8);
        end += 2 * __builtin_popcountl(found);
        bits |= _pext_u64(found, high) << 4 * part;
    }
    return bits;
#else
    unsigned long bits = 0;
    unsigned short halves[16], kept[16] = {0};
    memcpy(halves, source, 32);
    for (int lane = 0, count = 0; lane < 16; lane++) {
        if (!halves[lane]) continue;
        kept[count++] = halves[lane];
        bits |= 1ul << lane;
    }
    memcpy(packed, kept, 32);
    return bits;
#endif
}

/// The same of sixteen floats.
static inline __attribute__((always_inline)) long cvector_pack_floats(const void *source, void *packed) {
#if defined(__AVX512F__)
    __m512i floats = _mm512_loadu_si512(source);
    __mmask16 bits = _mm512_test_epi32_mask(floats, floats);
    _mm512_storeu_si512(packed, _mm512_maskz_compress_epi32(bits, floats));
    return bits;
#else
    unsigned long bits = 0;
    unsigned floats[16], kept[16] = {0};
    memcpy(floats, source, 64);
    for (int lane = 0, count = 0; lane < 16; lane++) {
        // A place that another float may take.
        kept[count] = floats[lane];
        count += floats[lane] != 0;
        bits |= (unsigned long)(floats[lane] != 0) << lane;
    }
    memcpy(packed, kept, 64);
    return bits;
#endif
}

#if defined(__AVX2__) && defined(__BMI2__) && !defined(__AVX512F__)
/// Eight floats in the places that `bits` name, the others zero.
static inline __attribute__((always_inline)) __m256 cvector_expanded(__m256 floats, unsigned long bits) {
    unsigned long each = 0x0101010101010101;
    unsigned long isKept = _pdep_u64(bits, each);
    // Byte by byte, how many there are before.
    unsigned long places = isKept * (each << 8);
    __m256 moved = _mm256_permutevar8x32_ps(floats, _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long)places)));
    __m256i mask = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128((long)(isKept * 0xff)));
    return _mm256_and_ps(moved, _mm256_castsi256_ps(mask));
}
#endif

/// What `cvector_pack_halves` has packed, as sixteen floats at `target`; sixteen are read at `packed`.
static inline __attribute__((always_inline)) void cvector_unpack_halves(const void *packed, long bits, float *target) {
#if defined(__AVX512F__)
    __m512 floats = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)packed));
    _mm512_storeu_ps(target, _mm512_maskz_expand_ps((__mmask16)bits, floats));
#elif defined(__AVX2__) && defined(__BMI2__)
    const unsigned char *second = (const unsigned char *)packed + 2 * __builtin_popcountl(bits & 0xff);
    __m256 low = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)packed));
    __m256 high = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)second));
    _mm256_storeu_ps(target, cvector_expanded(low, bits & 0xff));
    _mm256_storeu_ps(target + 8, cvector_expanded(high, bits >> 8 & 0xff));
#else
    for (int lane = 0, count = 0; lane < 16; lane++) {
        _Float16 half = 0;
        if (bits >> lane & 1) memcpy(&half, (const unsigned char *)packed + 2 * count++, 2);
        target[lane] = half;
    }
#endif
}

/// The same of floats.
static inline __attribute__((always_inline)) void cvector_unpack_floats(const void *packed, long bits, float *target) {
#if defined(__AVX512F__)
    _mm512_storeu_ps(target, _mm512_maskz_expand_ps((__mmask16)bits, _mm512_loadu_ps(packed)));
#elif defined(__AVX2__) && defined(__BMI2__)
    const float *second = (const float *)packed + __builtin_popcountl(bits & 0xff);
    _mm256_storeu_ps(target, cvector_expanded(_mm256_loadu_ps((const float *)packed), bits & 0xff));
    _mm256_storeu_ps(target + 8, cvector_expanded(_mm256_loadu_ps(second), bits >> 8 & 0xff));
#else
    for (int lane = 0, count = 0; lane < 16; lane++) {
        target[lane] = 0;
        if (bits >> lane & 1) memcpy(target + lane, (const float *)packed + count++, 4);
    }
#endif
}
