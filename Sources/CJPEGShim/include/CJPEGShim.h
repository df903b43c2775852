// Decoding and encoding of JPEG in memory.
//
// Swift cannot call libjpeg itself: its error handling is setjmp and longjmp, which may not cross Swift frames, and its
// entry points (jpeg_create_decompress, ...) are macros. Each function here is one complete piece of work: whatever libjpeg
// allocated is released when it returns. A `message` receives libjpeg's text, cut to CJPEG_MESSAGE_CAPACITY bytes with
// the final zero.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CJPEG_MESSAGE_CAPACITY 240

/// More scans than any encoder writes; a small hostile file could otherwise keep a core busy for minutes.
#define CJPEG_SCAN_LIMIT 500

typedef enum {
    CJPEG_OK = 0,
    /// The input ended before the last row of pixels (or before the image header) was complete.
    CJPEG_TRUNCATED = 1,
    /// Not JPEG, damaged beyond libjpeg's repair, of an unsupported kind, or memory ran out: see the message.
    CJPEG_FAILED = 2,
} cjpeg_status;

typedef struct {
    uint32_t width;
    uint32_t height;
    /// Components in the file: 1 grey, 3 colour, 4 CMYK or YCCK. Others are refused by `cjpeg_decode`.
    uint32_t component_count;
} cjpeg_header;

/// A rectangle of pixels; x and y are the left column and the top row.
typedef struct {
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
} cjpeg_region;

/// Reads up to the first scan; metadata is skipped, never parsed.
cjpeg_status cjpeg_read_header(
    const uint8_t *bytes, size_t byte_count, cjpeg_header *header, char message[CJPEG_MESSAGE_CAPACITY]);

/// Decodes `region` into `pixels`: [height, width, 3] RGB for 1 and 3 components, [height, width, 4] CMYK as it lies in the
/// file (YCCK converted to CMYK) for 4. `pixel_byte_count` must be exactly that size.
///
/// The pixels are those of the whole image. What is outside is not computed beyond what the region's edges need, but is
/// still read as far as it takes to know that the input does not end before the last row of the image.
///
/// libjpeg's defaults: accurate integer DCT, smooth chroma upsampling. Damaged entropy data and stray bytes between
/// markers are repaired as libjpeg does; the end of the input before the last row is CJPEG_TRUNCATED.
cjpeg_status cjpeg_decode(
    const uint8_t *bytes, size_t byte_count, cjpeg_region region, uint8_t *pixels, size_t pixel_byte_count,
    char message[CJPEG_MESSAGE_CAPACITY]);

/// Encodes [height, width, 3] RGB as baseline JFIF without chroma subsampling, with optimal Huffman tables.
/// On CJPEG_OK `*output` holds `*output_byte_count` bytes, to be released with `cjpeg_free`.
cjpeg_status cjpeg_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **output,
    size_t *output_byte_count, char message[CJPEG_MESSAGE_CAPACITY]);

void cjpeg_free(uint8_t *output);
