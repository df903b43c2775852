// A part of a JPEG must be that of the whole image, whatever the bytes: the last four of them say which part.
#include "CJPEGShim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_PIXEL_COUNT 200000

static void fail(const char *problem, cjpeg_region part, cjpeg_header image) {
    fprintf(
        stderr, "%s: %u x %u at %u, %u of %u x %u\n", problem, part.width, part.height, part.x, part.y, image.width,
        image.height);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count) {
    cjpeg_header image;
    char message[CJPEG_MESSAGE_CAPACITY];
    if (byte_count < 4 || cjpeg_read_header(bytes, byte_count, &image, message) != CJPEG_OK) return 0;
    if ((size_t)image.width * image.height > LARGEST_PIXEL_COUNT) return 0;
    const size_t pixel_size = image.component_count == 4 ? 4 : 3;
    const cjpeg_region all = {0, 0, image.width, image.height};
    const uint8_t *choice = bytes + byte_count - 4;
    cjpeg_region part;
    part.x = choice[0] % image.width;
    part.y = choice[1] % image.height;
    part.width = 1 + choice[2] % (image.width - part.x);
    part.height = 1 + choice[3] % (image.height - part.y);

    const size_t row_byte_count = pixel_size * part.width;
    const size_t whole_byte_count = pixel_size * image.width * image.height;
    uint8_t *whole = malloc(whole_byte_count);
    uint8_t *pixels = malloc(row_byte_count * part.height);
    const cjpeg_status status = cjpeg_decode(bytes, byte_count, all, whole, whole_byte_count, message);
    const cjpeg_status part_status =
        cjpeg_decode(bytes, byte_count, part, pixels, row_byte_count * part.height, message);
    // What is wrong with the rows below the part may go unnoticed, but not that they are missing.
    if (part_status != status && status != CJPEG_FAILED) fail("another status", part, image);
    for (uint32_t row = 0; status == CJPEG_OK && row < part.height; row++) {
        const uint8_t *expected = whole + ((size_t)(part.y + row) * image.width + part.x) * pixel_size;
        if (memcmp(pixels + row * row_byte_count, expected, row_byte_count) != 0) fail("other pixels", part, image);
    }
    free(pixels);
    free(whole);
    return 0;
}
