// Decoding of the first image of a TIFF file in memory.
//
// Swift cannot call libtiff itself: fields of the file are got and set by functions with variable arguments, and its error
// handlers take va_list. Each function here is one complete piece of work: whatever libtiff allocated is released when it
// returns. A `message` receives libtiff's text, cut to CTIFF_MESSAGE_CAPACITY bytes with the final zero.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CTIFF_MESSAGE_CAPACITY 240

/// The most samples of a pixel that are read.
#define CTIFF_SAMPLE_LIMIT 8

typedef enum {
    CTIFF_OK = 0,
    /// The input ended before what its directory says is in it.
    CTIFF_TRUNCATED = 1,
    /// Not TIFF, damaged, or memory ran out: see the message.
    CTIFF_FAILED = 2,
    /// A kind of TIFF that is not read: see the message.
    CTIFF_UNSUPPORTED = 3,
} ctiff_status;

typedef struct {
    uint32_t width;
    uint32_t height;
    /// TIFF's PhotometricInterpretation; 2 (RGB) where libtiff converts Y, Cb and Cr.
    uint16_t photometric;
    uint16_t bits_per_sample;
    uint16_t samples_per_pixel;
    /// What is behind the colour: TIFF's ExtraSamples, 0 unspecified, 1 associated alpha, 2 unassociated alpha.
    uint16_t extra_count;
    uint16_t extra[CTIFF_SAMPLE_LIMIT];
    /// TIFF's Orientation, 1 to 8.
    uint16_t orientation;
    /// Whether samples lie in planes of their own, one after the other, each [height, row_byte_count].
    uint16_t is_planar;
    /// Bytes of a row of the image, or of a plane.
    uint64_t row_byte_count;
    /// Bytes of all samples.
    uint64_t byte_count;
    /// Red, green and blue of a palette, 16 bits each; of photometric 3.
    uint16_t palette[3][256];
} ctiff_header;

/// Reads the directory of the first image. A kind that cannot be decoded is CTIFF_UNSUPPORTED here already.
ctiff_status ctiff_read_header(
    const uint8_t *bytes, size_t byte_count, ctiff_header *header, char message[CTIFF_MESSAGE_CAPACITY]);

/// Decodes the samples of the first image as the header describes them, those of 16 bits in the machine's byte order.
/// `sample_byte_count` must be `header.byte_count`.
ctiff_status ctiff_decode(
    const uint8_t *bytes, size_t byte_count, uint8_t *samples, size_t sample_byte_count,
    char message[CTIFF_MESSAGE_CAPACITY]);
