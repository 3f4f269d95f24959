/* The limit: metrics of Sparkplug B payloads into columns, bounds checked, presence kept. -1: malformed or no room. */
#include <stdint.h>
#include <string.h>

typedef struct {
    uint64_t *alias, *timestamp, *integer, *message;
    double *real;
    uint32_t *datatype, *text_at, *text_size;
    uint8_t *field, *flags, *text;
} columns;

static int varint(const uint8_t **at, const uint8_t *end, uint64_t *value) {
    uint64_t found = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        found |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) { *value = found; return 1; }
    }
    return 0;
}

static int metric(uint32_t *used, const uint8_t *at, const uint8_t *end, columns *to, int64_t row) {
    uint64_t key, value;
    to->alias[row] = to->timestamp[row] = to->integer[row] = 0;
    to->real[row] = 0;
    to->datatype[row] = to->text_at[row] = to->text_size[row] = 0;
    to->field[row] = to->flags[row] = 0;
    while (at < end) {
        if (!varint(&at, end, &key)) return 0;
        uint32_t field = (uint32_t)(key >> 3);
        switch (key & 7) {
        case 0:
            if (!varint(&at, end, &value)) return 0;
            if (field == 2) { to->alias[row] = value; to->flags[row] |= 1; }
            else if (field == 3) { to->timestamp[row] = value; to->flags[row] |= 2; }
            else if (field == 4) to->datatype[row] = (uint32_t)value;
            else if (field >= 5 && field <= 7) to->flags[row] |= (uint8_t)((value != 0) << (field - 2));
            else { to->integer[row] = value; to->field[row] = (uint8_t)field; }
            break;
        case 1:
            if (end - at < 8) return 0;
            memcpy(&to->real[row], at, 8); to->field[row] = (uint8_t)field; at += 8;
            break;
        case 5: {
            float single;
            if (end - at < 4) return 0;
            memcpy(&single, at, 4); to->real[row] = single; to->field[row] = (uint8_t)field; at += 4;
            break; }
        case 2:
            if (!varint(&at, end, &value) || value > (uint64_t)(end - at)) return 0;
            to->text_at[row] = *used; to->text_size[row] = (uint32_t)value;
            memcpy(to->text + *used, at, value); *used += (uint32_t)value;
            if (field != 1) to->field[row] = (uint8_t)field;
            at += value;
            break;
        default: return 0;
        }
    }
    return 1;
}

int64_t decode(const uint8_t *data, const uint64_t *offsets, int64_t count, columns *to, int64_t room) {
    int64_t row = 0;
    uint32_t used = 0; /* text never outgrows the payloads it is copied from */
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *at = data + offsets[i], *end = data + offsets[i + 1];
        uint64_t key, value;
        while (at < end) {
            if (!varint(&at, end, &key) || !varint(&at, end, &value)) return -1;
            if ((key & 7) == 0) continue;
            if ((key & 7) != 2 || value > (uint64_t)(end - at)) return -1;
            if (key >> 3 == 2) {
                if (row == room || !metric(&used, at, at + value, to, row)) return -1;
                to->message[row++] = (uint64_t)i;
            }
            at += value;
        }
    }
    return row;
}
