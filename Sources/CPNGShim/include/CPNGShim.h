// Decoding and encoding of PNG in memory.
//
// Swift cannot call libpng itself: its error handling is setjmp and longjmp, which may not cross Swift frames. Each
// function here is one complete piece of work: whatever libpng allocated is released when it returns. A `message`
// receives libpng's text, cut to CPNG_MESSAGE_CAPACITY bytes with the final zero.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CPNG_MESSAGE_CAPACITY 240

typedef enum {
    CPNG_OK = 0,
    /// The input ended before the last row of pixels (or before the image header) was complete.
    CPNG_TRUNCATED = 1,
    /// Not PNG, damaged, or memory ran out: see the message.
    CPNG_FAILED = 2,
} cpng_status;

typedef struct {
    uint32_t width;
    uint32_t height;
    /// Bits a pixel takes before compression, alpha included: 1 to 64.
    uint32_t bit_count_per_pixel;
} cpng_header;

/// Reads up to the first image data; ancillary chunks are skipped, never parsed.
cpng_status cpng_read_header(
    const uint8_t *bytes, size_t byte_count, cpng_header *header, char message[CPNG_MESSAGE_CAPACITY]);

/// Decodes into `pixels`, [height, width, 3] RGB; `pixel_byte_count` must be exactly that size.
///
/// Grey is repeated, palettes are looked up, 16 bits keep their high byte, alpha and transparent colours are dropped
/// (not composited), and gamma and colour profiles are ignored.
cpng_status cpng_decode(
    const uint8_t *bytes, size_t byte_count, uint8_t *pixels, size_t pixel_byte_count,
    char message[CPNG_MESSAGE_CAPACITY]);

/// Encodes [height, width, 3] RGB, 8 bits a channel.
/// On CPNG_OK `*output` holds `*output_byte_count` bytes, to be released with `cpng_free`.
cpng_status cpng_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, uint8_t **output, size_t *output_byte_count,
    char message[CPNG_MESSAGE_CAPACITY]);

void cpng_free(uint8_t *output);
