#include "CTIFFShim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

// The most that libtiff may allocate at once: a strip or tile of the largest image that is decoded.
#define ALLOCATION_LIMIT ((tmsize_t)1 << 30)

// MARK: - The file in memory

typedef struct {
    const uint8_t *bytes;
    uint64_t count;
    uint64_t position;
    /// Whether more was asked for than there is.
    int has_ended;
    char *message;
} input_state;

static tmsize_t read_input(thandle_t handle, void *destination, tmsize_t size) {
    input_state *self = (input_state *)handle;
    const uint64_t left = self->position < self->count ? self->count - self->position : 0;
    const uint64_t wanted = size > 0 ? (uint64_t)size : 0;
    const uint64_t count = wanted < left ? wanted : left;
    if (count < wanted) self->has_ended = 1;
    if (count > 0) memcpy(destination, self->bytes + self->position, count);
    self->position += count;
    return (tmsize_t)count;
}

static tmsize_t write_nothing(thandle_t handle, void *source, tmsize_t size) {
    (void)handle;
    (void)source;
    (void)size;
    return 0;
}

static toff_t seek_input(thandle_t handle, toff_t offset, int origin) {
    input_state *self = (input_state *)handle;
    switch (origin) {
    case SEEK_SET: self->position = offset; break;
    case SEEK_CUR: self->position += offset; break;
    default: self->position = self->count + offset; break;
    }
    return self->position;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t input_size(thandle_t handle) { return ((input_state *)handle)->count; }

static int map_nothing(thandle_t handle, void **base, toff_t *size) {
    (void)handle;
    (void)base;
    (void)size;
    return 0;
}

static void unmap_nothing(thandle_t handle, void *base, toff_t size) {
    (void)handle;
    (void)base;
    (void)size;
}

// The first error is the cause of those that follow.
static int keep_error(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    input_state *self = context;
    if (!self->message[0]) vsnprintf(self->message, CTIFF_MESSAGE_CAPACITY, format, arguments);
    return 1;
}

static int ignore_warning(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)context;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static TIFF *open_input(input_state *input) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, ALLOCATION_LIMIT);
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, input);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, NULL);
    TIFF *tiff = TIFFClientOpenExt(
        "image", "rm", (thandle_t)input, read_input, write_nothing, seek_input, close_nothing, input_size, map_nothing,
        unmap_nothing, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

// MARK: - The directory

static ctiff_status unsupported(char *message, const char *format, unsigned value) {
    snprintf(message, CTIFF_MESSAGE_CAPACITY, format, value);
    return CTIFF_UNSUPPORTED;
}

static int is_read(uint16_t compression) {
    switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_LZMA:
    case COMPRESSION_ZSTD: return 1;
    default: return 0;
    }
}

/// How Y, Cb and Cr become RGB: by libjpeg where it can, which is exact and fast, else by libtiff's own table.
typedef enum { AS_STORED, BY_LIBJPEG, BY_LIBTIFF } conversion;

static ctiff_status describe(TIFF *tiff, ctiff_header *header, conversion *conversion, char *message) {
    uint16_t compression = 0, planar = 0, format = 0, extra_count = 0;
    uint16_t *extra = NULL;
    memset(header, 0, sizeof *header);
    *conversion = AS_STORED;
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &header->width) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &header->height) || !header->width || !header->height) {
        snprintf(message, CTIFF_MESSAGE_CAPACITY, "its directory states no width and height");
        return CTIFF_FAILED;
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    if (!is_read(compression) || !TIFFIsCODECConfigured(compression))
        return unsupported(message, "compression %u", compression);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &header->bits_per_sample);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &header->samples_per_pixel);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &header->orientation);
    // A file that does not say how its samples are to be seen is white where they are zero, as Pillow has it.
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &header->photometric)) header->photometric = PHOTOMETRIC_MINISWHITE;
    if (format != SAMPLEFORMAT_UINT)
        return unsupported(
            message, format == SAMPLEFORMAT_IEEEFP ? "floating-point samples" : "samples of the format %u", format);
    const uint16_t bits = header->bits_per_sample;
    if (bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16)
        return unsupported(message, "samples of %u bits", bits);
    if (!header->samples_per_pixel || header->samples_per_pixel > CTIFF_SAMPLE_LIMIT)
        return unsupported(message, "%u samples a pixel", header->samples_per_pixel);
    // The first image of a raw file is a thumbnail.
    uint32_t kind = 0;
    const uint8_t *version = NULL;
    TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind);
    if ((kind & FILETYPE_REDUCEDIMAGE) || TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version))
        return unsupported(message, "a camera raw file, or one that begins with a thumbnail", 0);
    if (TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) && extra) {
        if (extra_count >= header->samples_per_pixel) return unsupported(message, "%u samples beside colour", extra_count);
        header->extra_count = extra_count;
        memcpy(header->extra, extra, extra_count * sizeof *extra);
    }
    if (header->photometric == PHOTOMETRIC_PALETTE) {
        uint16_t *colours[3] = {NULL, NULL, NULL};
        if (bits > 8) return unsupported(message, "a palette for samples of %u bits", bits);
        if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &colours[0], &colours[1], &colours[2])) {
            snprintf(message, CTIFF_MESSAGE_CAPACITY, "its palette is missing");
            return CTIFF_FAILED;
        }
        for (int channel = 0; channel < 3; channel++)
            memcpy(header->palette[channel], colours[channel], ((size_t)1 << bits) * sizeof(uint16_t));
    }
    header->is_planar = planar == PLANARCONFIG_SEPARATE && header->samples_per_pixel > 1;
    if (header->photometric == PHOTOMETRIC_YCBCR) {
        if (bits != 8 || header->samples_per_pixel != 3) return unsupported(message, "Y, Cb and Cr of %u bits", bits);
        *conversion = compression == COMPRESSION_JPEG && !header->is_planar ? BY_LIBJPEG : BY_LIBTIFF;
        header->photometric = PHOTOMETRIC_RGB;
        header->is_planar = 0;
    }
    const uint64_t plane_samples = header->is_planar ? 1 : header->samples_per_pixel;
    header->row_byte_count = ((uint64_t)header->width * plane_samples * bits + 7) / 8;
    const uint64_t planes = header->is_planar ? header->samples_per_pixel : 1;
    header->byte_count = header->row_byte_count * header->height * planes;
    return CTIFF_OK;
}

// MARK: - Samples

typedef struct {
    TIFF *tiff;
    const ctiff_header *header;
    uint8_t *samples;
    input_state *input;
} reader;

static ctiff_status failure(const reader *self, const char *text) {
    if (!self->input->message[0]) snprintf(self->input->message, CTIFF_MESSAGE_CAPACITY, "%s", text);
    return self->input->has_ended ? CTIFF_TRUNCATED : CTIFF_FAILED;
}

static ctiff_status read_strips(const reader *self, uint16_t plane) {
    const ctiff_header *header = self->header;
    uint32_t rows_per_strip = 0;
    TIFFGetFieldDefaulted(self->tiff, TIFFTAG_ROWSPERSTRIP, &rows_per_strip);
    if (rows_per_strip == 0 || rows_per_strip > header->height) rows_per_strip = header->height;
    if ((uint64_t)TIFFScanlineSize64(self->tiff) != header->row_byte_count)
        return failure(self, "its rows do not have the size that its directory gives");
    uint8_t *target = self->samples + header->row_byte_count * header->height * plane;
    for (uint32_t row = 0; row < header->height; row += rows_per_strip) {
        const uint32_t left = header->height - row;
        const uint64_t count = header->row_byte_count * (left < rows_per_strip ? left : rows_per_strip);
        const uint32_t strip = TIFFComputeStrip(self->tiff, row, plane);
        if (TIFFReadEncodedStrip(self->tiff, strip, target + header->row_byte_count * row, (tmsize_t)count) !=
            (tmsize_t)count)
            return failure(self, "a strip of it cannot be read");
        if (row > UINT32_MAX - rows_per_strip) break;
    }
    return CTIFF_OK;
}

static ctiff_status read_tiles(const reader *self, uint16_t plane) {
    const ctiff_header *header = self->header;
    uint32_t width = 0, height = 0;
    TIFFGetField(self->tiff, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(self->tiff, TIFFTAG_TILELENGTH, &height);
    const uint64_t pixel_bits = (uint64_t)header->bits_per_sample * (header->is_planar ? 1 : header->samples_per_pixel);
    const uint64_t row_bits = pixel_bits * width;
    const tmsize_t tile_byte_count = TIFFTileSize(self->tiff);
    if (!width || !height || row_bits % 8 || tile_byte_count <= 0 || tile_byte_count > ALLOCATION_LIMIT ||
        (uint64_t)tile_byte_count != row_bits / 8 * height)
        return failure(self, "its tiles do not have the size that its directory gives");
    uint8_t *tile = malloc((size_t)tile_byte_count);
    if (!tile) return failure(self, "memory for a tile ran out");
    uint8_t *target = self->samples + header->row_byte_count * header->height * plane;
    ctiff_status status = CTIFF_OK;
    for (uint64_t y = 0; y < header->height && status == CTIFF_OK; y += height) {
        for (uint64_t x = 0; x < header->width; x += width) {
            if (TIFFReadTile(self->tiff, tile, (uint32_t)x, (uint32_t)y, 0, plane) != tile_byte_count) {
                status = failure(self, "a tile of it cannot be read");
                break;
            }
            const uint64_t offset = x * pixel_bits / 8, left = header->row_byte_count - offset;
            const uint64_t count = left < row_bits / 8 ? left : row_bits / 8;
            for (uint64_t row = 0; row < height && y + row < header->height; row++)
                memcpy(target + header->row_byte_count * (y + row) + offset, tile + row_bits / 8 * row, count);
        }
    }
    free(tile);
    return status;
}

/// RGB of subsampled Y, Cb and Cr, a strip of pixels at a time.
static ctiff_status read_converted(const reader *self) {
    TIFFRGBAImage image;
    char text[1024] = "";
    if (!TIFFRGBAImageOK(self->tiff, text) || !TIFFRGBAImageBegin(&image, self->tiff, 1, text)) {
        snprintf(self->input->message, CTIFF_MESSAGE_CAPACITY, "%s", text);
        return CTIFF_UNSUPPORTED;
    }
    // Turned later, with all others.
    image.orientation = ORIENTATION_TOPLEFT;
    image.req_orientation = ORIENTATION_TOPLEFT;
    const uint32_t width = self->header->width, height = self->header->height;
    uint32_t rows = 0;
    TIFFGetFieldDefaulted(self->tiff, TIFFIsTiled(self->tiff) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, &rows);
    if (rows == 0 || rows > height) rows = height;
    uint32_t *raster = calloc((size_t)width * rows, sizeof *raster);
    ctiff_status status = raster ? CTIFF_OK : failure(self, "memory for a strip ran out");
    for (uint64_t y = 0; y < height && status == CTIFF_OK; y += rows) {
        const uint32_t count = height - y < rows ? (uint32_t)(height - y) : rows;
        image.row_offset = (int)y;
        if (!TIFFRGBAImageGet(&image, raster, width, count) || self->input->has_ended) {
            status = failure(self, "a strip of it cannot be read");
            break;
        }
        uint8_t *target = self->samples + self->header->row_byte_count * y;
        for (size_t pixel = 0; pixel < (size_t)width * count; pixel++) {
            target[3 * pixel] = (uint8_t)TIFFGetR(raster[pixel]);
            target[3 * pixel + 1] = (uint8_t)TIFFGetG(raster[pixel]);
            target[3 * pixel + 2] = (uint8_t)TIFFGetB(raster[pixel]);
        }
    }
    free(raster);
    TIFFRGBAImageEnd(&image);
    return status;
}

static ctiff_status read_samples(const reader *self, conversion conversion) {
    if (conversion == BY_LIBTIFF) return read_converted(self);
    if (conversion == BY_LIBJPEG) TIFFSetField(self->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    const uint16_t planes = self->header->is_planar ? self->header->samples_per_pixel : 1;
    for (uint16_t plane = 0; plane < planes; plane++) {
        const ctiff_status status = TIFFIsTiled(self->tiff) ? read_tiles(self, plane) : read_strips(self, plane);
        if (status != CTIFF_OK) return status;
    }
    return CTIFF_OK;
}

// MARK: - Whole pieces of work

static ctiff_status open_and_describe(
    input_state *input, TIFF **tiff, ctiff_header *header, conversion *conversion) {
    input->message[0] = 0;
    *tiff = open_input(input);
    if (!*tiff) {
        if (!input->message[0]) snprintf(input->message, CTIFF_MESSAGE_CAPACITY, "its directory cannot be read");
        return input->has_ended ? CTIFF_TRUNCATED : CTIFF_FAILED;
    }
    return describe(*tiff, header, conversion, input->message);
}

ctiff_status ctiff_read_header(
    const uint8_t *bytes, size_t byte_count, ctiff_header *header, char message[CTIFF_MESSAGE_CAPACITY]) {
    input_state input = {bytes, byte_count, 0, 0, message};
    TIFF *tiff = NULL;
    conversion conversion;
    const ctiff_status status = open_and_describe(&input, &tiff, header, &conversion);
    if (tiff) TIFFClose(tiff);
    return status;
}

ctiff_status ctiff_decode(
    const uint8_t *bytes, size_t byte_count, uint8_t *samples, size_t sample_byte_count,
    char message[CTIFF_MESSAGE_CAPACITY]) {
    input_state input = {bytes, byte_count, 0, 0, message};
    TIFF *tiff = NULL;
    conversion conversion;
    ctiff_header header;
    ctiff_status status = open_and_describe(&input, &tiff, &header, &conversion);
    if (status == CTIFF_OK) {
        const reader self = {tiff, &header, samples, &input};
        status = header.byte_count == sample_byte_count ? read_samples(&self, conversion)
                                                        : failure(&self, "the samples do not have the size asked for");
    }
    if (tiff) TIFFClose(tiff);
    return status;
}
