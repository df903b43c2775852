#include "CPNGShim.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

// MARK: - Errors

typedef struct {
    char *message;
    cpng_status status;
} error_state;

static void fail(png_structp png, png_const_charp text) {
    error_state *state = png_get_error_ptr(png);
    snprintf(state->message, CPNG_MESSAGE_CAPACITY, "%s", text);
    png_longjmp(png, 1);
}

// Warnings concern ancillary chunks, which are not read; libpng would print them.
static void ignore_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

// MARK: - Decoding

typedef struct {
    const uint8_t *next;
    size_t left;
    error_state *errors;
} input_state;

static void read_input(png_structp png, png_bytep destination, size_t count) {
    input_state *input = png_get_io_ptr(png);
    if (count > input->left) {
        input->errors->status = CPNG_TRUNCATED;
        png_error(png, "the input ends early");
    }
    memcpy(destination, input->next, count);
    input->next += count;
    input->left -= count;
}

// Every setjmp below is in a function of its own that only gets pointers: what changes between setjmp and longjmp lies in
// the caller's frame, where it is well defined afterwards.

typedef struct {
    png_structp png;
    png_infop info;
    png_bytep *rows;
    error_state errors;
    input_state input;
} decoder;

static int create_decoder(decoder *self, const uint8_t *bytes, size_t byte_count, char *message) {
    memset(self, 0, sizeof *self);
    message[0] = 0;
    self->errors.message = message;
    self->errors.status = CPNG_FAILED;
    self->input.next = bytes;
    self->input.left = byte_count;
    self->input.errors = &self->errors;
    self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &self->errors, fail, ignore_warning);
    if (self->png) self->info = png_create_info_struct(self->png);
    if (self->info) return 1;
    snprintf(message, CPNG_MESSAGE_CAPACITY, "memory for the decoder ran out");
    return 0;
}

static void destroy_decoder(decoder *self) {
    free(self->rows);
    png_destroy_read_struct(&self->png, &self->info, NULL);
}

static void read_info(decoder *self) {
    png_set_read_fn(self->png, &self->input, read_input);
    // Broken text, profiles and the like must never cost the picture.
    png_set_keep_unknown_chunks(self->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_benign_errors(self->png, 1);
    png_read_info(self->png, self->info);
}

static cpng_status read_header(decoder *self, cpng_header *header) {
    if (setjmp(png_jmpbuf(self->png))) return self->errors.status;
    read_info(self);
    header->width = png_get_image_width(self->png, self->info);
    header->height = png_get_image_height(self->png, self->info);
    header->bit_count_per_pixel =
        (uint32_t)png_get_bit_depth(self->png, self->info) * png_get_channels(self->png, self->info);
    return CPNG_OK;
}

static cpng_status read_pixels(decoder *self, uint8_t *pixels, size_t pixel_byte_count) {
    if (setjmp(png_jmpbuf(self->png))) return self->errors.status;
    read_info(self);
    const size_t width = png_get_image_width(self->png, self->info);
    const size_t height = png_get_image_height(self->png, self->info);
    const int colour_type = png_get_color_type(self->png, self->info);
    if (colour_type == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(self->png);
    } else {
        if (png_get_bit_depth(self->png, self->info) < 8) png_set_expand_gray_1_2_4_to_8(self->png);
        if (!(colour_type & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(self->png);
    }
    png_set_strip_16(self->png);
    png_set_strip_alpha(self->png);
    png_set_interlace_handling(self->png);
    png_read_update_info(self->png, self->info);
    const size_t row_byte_count = png_get_rowbytes(self->png, self->info);
    if (row_byte_count != width * 3 || row_byte_count * height != pixel_byte_count)
        png_error(self->png, "the rows do not have the size the header gives");
    self->rows = malloc(height * sizeof *self->rows);
    if (!self->rows) png_error(self->png, "memory for the row table ran out");
    for (size_t row = 0; row < height; row++) self->rows[row] = pixels + row * row_byte_count;
    png_read_image(self->png, self->rows);
    return CPNG_OK;
}

cpng_status cpng_read_header(
    const uint8_t *bytes, size_t byte_count, cpng_header *header, char message[CPNG_MESSAGE_CAPACITY]) {
    decoder self;
    cpng_status status = CPNG_FAILED;
    if (create_decoder(&self, bytes, byte_count, message)) status = read_header(&self, header);
    destroy_decoder(&self);
    return status;
}

cpng_status cpng_decode(
    const uint8_t *bytes, size_t byte_count, uint8_t *pixels, size_t pixel_byte_count,
    char message[CPNG_MESSAGE_CAPACITY]) {
    decoder self;
    cpng_status status = CPNG_FAILED;
    if (create_decoder(&self, bytes, byte_count, message)) status = read_pixels(&self, pixels, pixel_byte_count);
    destroy_decoder(&self);
    return status;
}

// MARK: - Encoding

typedef struct {
    png_structp png;
    png_infop info;
    error_state errors;
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} encoder;

static void write_output(png_structp png, png_bytep source, size_t count) {
    encoder *self = png_get_io_ptr(png);
    if (count > self->capacity - self->count) {
        const size_t needed = self->count + count;
        const size_t capacity = self->capacity * 2 > needed ? self->capacity * 2 : needed;
        uint8_t *bytes = realloc(self->bytes, capacity);
        if (!bytes) png_error(png, "memory for the encoded image ran out");
        self->bytes = bytes;
        self->capacity = capacity;
    }
    memcpy(self->bytes + self->count, source, count);
    self->count += count;
}

static void flush_output(png_structp png) { (void)png; }

static cpng_status write_pixels(encoder *self, const uint8_t *pixels, uint32_t width, uint32_t height) {
    if (setjmp(png_jmpbuf(self->png))) return self->errors.status;
    png_set_write_fn(self->png, self, write_output, flush_output);
    png_set_IHDR(
        self->png, self->info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(self->png, self->info);
    for (size_t row = 0; row < height; row++) png_write_row(self->png, pixels + row * width * 3);
    png_write_end(self->png, NULL);
    return CPNG_OK;
}

cpng_status cpng_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, uint8_t **output, size_t *output_byte_count,
    char message[CPNG_MESSAGE_CAPACITY]) {
    encoder self;
    memset(&self, 0, sizeof self);
    message[0] = 0;
    self.errors.message = message;
    self.errors.status = CPNG_FAILED;
    self.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &self.errors, fail, ignore_warning);
    if (self.png) self.info = png_create_info_struct(self.png);
    cpng_status status = CPNG_FAILED;
    if (self.info) {
        status = write_pixels(&self, pixels, width, height);
    } else {
        snprintf(message, CPNG_MESSAGE_CAPACITY, "memory for the encoder ran out");
    }
    png_destroy_write_struct(&self.png, &self.info);
    if (status == CPNG_OK) {
        *output = self.bytes;
        *output_byte_count = self.count;
    } else {
        free(self.bytes);
    }
    return status;
}

void cpng_free(uint8_t *output) { free(output); }
