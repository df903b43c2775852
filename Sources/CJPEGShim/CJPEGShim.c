#include "CJPEGShim.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// MARK: - Errors

typedef struct {
    struct jpeg_error_mgr manager;  // first: libjpeg hands back a pointer to it
    jmp_buf escape;
    char *message;
    cjpeg_status status;
} error_state;

static void fail(j_common_ptr info) {
    error_state *state = (error_state *)info->err;
    char text[JMSG_LENGTH_MAX];
    state->manager.format_message(info, text);
    snprintf(state->message, CJPEG_MESSAGE_CAPACITY, "%s", text);
    state->status = state->manager.msg_code == JERR_INPUT_EOF ? CJPEG_TRUNCATED : CJPEG_FAILED;
    longjmp(state->escape, 1);
}

// Warnings (stray bytes, bad Huffman codes) are repaired silently; libjpeg would print them.
static void ignore_message(j_common_ptr info, int level) {
    if (level < 0) info->err->num_warnings++;
}

static void ignore_output(j_common_ptr info) { (void)info; }

static struct jpeg_error_mgr *prepare(error_state *state, char *message) {
    struct jpeg_error_mgr *manager = jpeg_std_error(&state->manager);
    manager->error_exit = fail;
    manager->emit_message = ignore_message;
    manager->output_message = ignore_output;
    state->message = message;
    state->status = CJPEG_FAILED;
    message[0] = 0;
    return manager;
}

// MARK: - Input

// libjpeg's own memory source makes up an end-of-image marker where the input ends, and the rest of the picture comes out
// grey. Here the end of the input is an error.

static void start_input(j_decompress_ptr info) { (void)info; }

static boolean input_ended(j_decompress_ptr info) {
    ERREXIT(info, JERR_INPUT_EOF);
    return FALSE;
}

static void skip_input(j_decompress_ptr info, long count) {
    if (count <= 0) return;
    if ((size_t)count > info->src->bytes_in_buffer) ERREXIT(info, JERR_INPUT_EOF);
    info->src->next_input_byte += count;
    info->src->bytes_in_buffer -= (size_t)count;
}

static void set_input(j_decompress_ptr info, struct jpeg_source_mgr *source, const uint8_t *bytes, size_t byte_count) {
    source->init_source = start_input;
    source->fill_input_buffer = input_ended;
    source->skip_input_data = skip_input;
    source->resync_to_restart = jpeg_resync_to_restart;
    source->term_source = start_input;
    source->next_input_byte = bytes;
    source->bytes_in_buffer = byte_count;
    info->src = source;
}

// The progress monitor is the one place libjpeg calls often enough, also while it reads a progressive file.
static void limit_scans(j_common_ptr info) {
    j_decompress_ptr decoder = (j_decompress_ptr)info;
    if (!info->is_decompressor || decoder->input_scan_number <= CJPEG_SCAN_LIMIT) return;
    error_state *state = (error_state *)info->err;
    snprintf(state->message, CJPEG_MESSAGE_CAPACITY, "more than %d scans", CJPEG_SCAN_LIMIT);
    longjmp(state->escape, 1);
}

// MARK: - Decoding

// Every setjmp below is in a function of its own that only gets pointers: what libjpeg changes between setjmp and longjmp
// lies in the caller's frame, where it is well defined afterwards.

typedef struct {
    struct jpeg_decompress_struct info;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    error_state errors;
} decoder;

static void open_input(decoder *self, const uint8_t *bytes, size_t byte_count) {
    jpeg_create_decompress(&self->info);
    set_input(&self->info, &self->source, bytes, byte_count);
    self->progress.progress_monitor = limit_scans;
    self->info.progress = &self->progress;
    jpeg_read_header(&self->info, TRUE);
}

static cjpeg_status read_header(decoder *self, const uint8_t *bytes, size_t byte_count, cjpeg_header *header) {
    if (setjmp(self->errors.escape)) return self->errors.status;
    open_input(self, bytes, byte_count);
    header->width = self->info.image_width;
    header->height = self->info.image_height;
    header->component_count = (uint32_t)self->info.num_components;
    return CJPEG_OK;
}

// Rows that are read at a time: libjpeg hands out as many as it makes at once, at most the vertical sampling factor.
#define ROW_COUNT 4

// Whether libjpeg will smooth over what scans of a progressive file have left out. Smoothed pixels depend on blocks far away,
// so that those of a part would not be those of the whole.
static int is_smoothed(j_decompress_ptr info) {
    if (info->coef_bits == NULL) return 0;
    for (int component = 0; component < info->num_components; component++) {
        for (int coefficient = 0; coefficient < DCTSIZE2; coefficient++) {
            if (info->coef_bits[component][coefficient] != 0) return 1;
        }
    }
    return 0;
}

// Limits libjpeg's work to the region and what is needed to make it as it is in the whole image: smooth upsampling looks at
// the next sample of chroma on each side. Returns the column that the rows now start with.
static JDIMENSION limit_output(j_decompress_ptr info, cjpeg_region region) {
    if (is_smoothed(info)) return 0;
    const JDIMENSION row_margin = (JDIMENSION)info->max_v_samp_factor * DCTSIZE;
    JDIMENSION left = region.x < DCTSIZE ? 0 : region.x - DCTSIZE;
    const JDIMENSION room = info->output_width - region.x - region.width;
    JDIMENSION width = region.x + region.width + (room < DCTSIZE ? room : DCTSIZE) - left;
    // Moves `left` to the start of its blocks.
    if (width < info->output_width) jpeg_crop_scanline(info, &left, &width);
    if (region.y > row_margin) jpeg_skip_scanlines(info, region.y - row_margin);
    return left;
}

// Whether the end of the image is in the input, so that the rows that are left cannot run out of it.
static int end_is_there(j_decompress_ptr info) {
    if (jpeg_has_multiple_scans(info) || info->unread_marker == JPEG_EOI) return 1;
    const JOCTET *bytes = info->src->next_input_byte;
    for (size_t end = info->src->bytes_in_buffer; end >= 2; end--) {
        if (bytes[end - 2] == 0xFF && bytes[end - 1] == JPEG_EOI) return 1;
    }
    return 0;
}

static cjpeg_status read_pixels(
    decoder *self, const uint8_t *bytes, size_t byte_count, cjpeg_region region, uint8_t *pixels,
    size_t pixel_byte_count) {
    j_decompress_ptr info = &self->info;
    if (setjmp(self->errors.escape)) {
        // If all rows are there and only the end-of-image marker is missing, nothing of the picture is lost.
        const int complete = info->output_height > 0 && info->output_scanline == info->output_height;
        return self->errors.status == CJPEG_TRUNCATED && complete ? CJPEG_OK : self->errors.status;
    }
    open_input(self, bytes, byte_count);
    switch (info->num_components) {
    case 1:
    case 3: info->out_color_space = JCS_RGB; break;
    case 4: info->out_color_space = JCS_CMYK; break;
    default: ERREXIT2(info, JERR_COMPONENT_COUNT, info->num_components, 4);
    }
    jpeg_start_decompress(info);
    const size_t pixel_size = (size_t)info->output_components;
    const size_t row_byte_count = region.width * pixel_size;
    const int is_inside = region.width > 0 && region.height > 0 && region.x <= info->output_width &&
                          region.width <= info->output_width - region.x && region.y <= info->output_height &&
                          region.height <= info->output_height - region.y;
    if (!is_inside || row_byte_count * region.height != pixel_byte_count) ERREXIT(info, JERR_BUFFER_SIZE);

    const size_t offset = (region.x - limit_output(info, region)) * pixel_size;
    const JSAMPARRAY rows = info->mem->alloc_sarray(
        (j_common_ptr)info, JPOOL_IMAGE, info->output_width * (JDIMENSION)pixel_size, ROW_COUNT);
    while (info->output_scanline < region.y + region.height) {
        const JDIMENSION first = info->output_scanline;
        const JDIMENSION left = region.y + region.height - first;
        const JDIMENSION count = jpeg_read_scanlines(info, rows, left < ROW_COUNT ? left : ROW_COUNT);
        for (JDIMENSION row = 0; row < count; row++) {
            if (first + row < region.y) continue;
            memcpy(pixels + (first + row - region.y) * row_byte_count, rows[row] + offset, row_byte_count);
        }
    }
    if (end_is_there(info)) return CJPEG_OK;
    while (info->output_scanline < info->output_height) jpeg_read_scanlines(info, rows, ROW_COUNT);
    return CJPEG_OK;
}

cjpeg_status cjpeg_read_header(
    const uint8_t *bytes, size_t byte_count, cjpeg_header *header, char message[CJPEG_MESSAGE_CAPACITY]) {
    decoder self;
    memset(&self, 0, sizeof self);
    self.info.err = prepare(&self.errors, message);
    const cjpeg_status status = read_header(&self, bytes, byte_count, header);
    jpeg_destroy_decompress(&self.info);
    return status;
}

cjpeg_status cjpeg_decode(
    const uint8_t *bytes, size_t byte_count, cjpeg_region region, uint8_t *pixels, size_t pixel_byte_count,
    char message[CJPEG_MESSAGE_CAPACITY]) {
    decoder self;
    memset(&self, 0, sizeof self);
    self.info.err = prepare(&self.errors, message);
    const cjpeg_status status = read_pixels(&self, bytes, byte_count, region, pixels, pixel_byte_count);
    jpeg_destroy_decompress(&self.info);
    return status;
}

// MARK: - Encoding

typedef struct {
    struct jpeg_compress_struct info;
    error_state errors;
    unsigned char *bytes;
    unsigned long byte_count;
} encoder;

static cjpeg_status write_pixels(
    encoder *self, const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality) {
    j_compress_ptr info = &self->info;
    if (setjmp(self->errors.escape)) return self->errors.status;
    jpeg_create_compress(info);
    jpeg_mem_dest(info, &self->bytes, &self->byte_count);
    info->image_width = width;
    info->image_height = height;
    info->input_components = 3;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
    info->optimize_coding = TRUE;
    info->comp_info[0].h_samp_factor = 1;
    info->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(info, TRUE);
    while (info->next_scanline < info->image_height) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)info->next_scanline * width * 3);
        jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
    return CJPEG_OK;
}

cjpeg_status cjpeg_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **output,
    size_t *output_byte_count, char message[CJPEG_MESSAGE_CAPACITY]) {
    encoder self;
    memset(&self, 0, sizeof self);
    self.info.err = prepare(&self.errors, message);
    const cjpeg_status status = write_pixels(&self, pixels, width, height, quality);
    jpeg_destroy_compress(&self.info);
    if (status == CJPEG_OK) {
        *output = self.bytes;
        *output_byte_count = self.byte_count;
    } else {
        free(self.bytes);
    }
    return status;
}

void cjpeg_free(uint8_t *output) { free(output); }
